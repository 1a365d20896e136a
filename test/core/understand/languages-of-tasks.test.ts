/**
 * Requests of every day in other languages than English, as people type them. They were written after the cues and the heads, and neither was
 * changed to suit them: the share that is told right is what to expect.
 */
import { describe, expect, it } from 'vitest'
import { shippedModel } from '../../../policies/training/shipped.ts'
import { understand } from '../../../worker/core/understand/understand.ts'
import type { Task } from '../../../worker/schema/features.ts'
import { asking } from './asking.ts'

const model = shippedModel()
/** Language, task, prompt. */
const ASKED: [language: string, task: Task, prompt: string][] = [
  ['de', 'creative_writing', 'Ich brauche eine nette Absage an einen Bewerber, per Mail, nicht zu lang.'],
  ['de', 'creative_writing', 'Verfasse einen Text für die Geburtstagskarte meiner Tante, sie wird 70.'],
  [
    'de',
    'rewriting',
    'Kannst du diesen Absatz etwas lockerer klingen lassen? Wir bedauern, Ihnen mitteilen zu müssen, dass das Büro geschlossen bleibt.',
  ],
  ['de', 'factual_question', 'Wie funktioniert eigentlich ein Kühlschrank?'],
  [
    'de',
    'summary',
    'Bitte einmal das Wichtigste aus dem Protokoll: Der Vorstand traf sich am Dienstag. Es ging um den neuen Rasen. Beschlossen wurde nichts.',
  ],
  ['de', 'code_generation', 'Bau mir bitte einen Regex, der deutsche Postleitzahlen erkennt.'],
  ['de', 'mathematics', 'Wenn ich 12.000 Euro zu 3 % anlege, wie viel habe ich nach fünf Jahren?'],
  ['de', 'agentic', 'Verschieb meinen Termin beim Friseur auf nächste Woche und schreib es in den Kalender.'],
  ['fr', 'creative_writing', 'Aide-moi à rédiger une lettre de motivation pour un poste de serveur.'],
  [
    'fr',
    'rewriting',
    'Peux-tu raccourcir ce message sans changer le sens ? « Bonjour, je voulais vous dire que je ne pourrai pas venir. »',
  ],
  ['fr', 'factual_question', 'À quoi sert la rate dans le corps humain ?'],
  [
    'fr',
    'summary',
    'Fais court : que retenir de ce compte rendu ? La réunion a porté sur le budget. Rien n’a été décidé. On se revoit jeudi.',
  ],
  ['fr', 'code_generation', 'Il me faut un script qui renomme toutes mes photos par date.'],
  ['fr', 'mathematics', 'Si je roule à 90 km/h pendant 2 h 20, quelle distance ai-je parcourue ?'],
  ['fr', 'agentic', 'Mets un rappel demain à 9 h pour appeler la banque.'],
  ['es', 'creative_writing', 'Ayúdame a escribir una nota de despedida para mis compañeros de trabajo.'],
  ['es', 'rewriting', '¿Me lo pones en inglés? "Nos vemos el lunes a las diez en la oficina."'],
  ['es', 'factual_question', '¿Qué es la fotosíntesis?'],
  ['es', 'extraction', 'Dime todos los correos electrónicos que aparecen aquí: contacta con ana@ejemplo.es o con luis@ejemplo.es.'],
  ['es', 'mathematics', 'Una camisa de 40 euros tiene un 15 % de descuento. ¿Cuánto pago?'],
  ['es', 'agentic', 'Busca vuelos baratos a Lisboa para el puente y resérvame uno.'],
  ['pt', 'creative_writing', 'Preciso de um texto curto para convidar os vizinhos para um churrasco.'],
  ['pt', 'rewriting', 'Como fica isso em inglês: "o prazo termina na sexta"?'],
  ['pt', 'factual_question', 'Quem foi o primeiro imperador do Brasil?'],
  ['pt', 'code_generation', 'Monte um script em Python que leia um Excel e envie e-mails.'],
  ['it', 'creative_writing', 'Mi aiuti a scrivere un biglietto di auguri per la laurea di mia sorella?'],
  ['it', 'factual_question', 'Come si forma un arcobaleno?'],
  ['it', 'mathematics', 'Se un litro costa 1,80 euro, quanto spendo per 35 litri?'],
  [
    'it',
    'summary',
    'Dimmi in breve cosa dice questo articolo: Il comune ha approvato il nuovo piano del traffico. Le strade del centro saranno chiuse la domenica.',
  ],
  ['nl', 'rewriting', 'Kun je dit wat netter opschrijven? "Ik kom niet, zoek maar iemand anders."'],
  ['nl', 'factual_question', 'Wat is het verschil tussen een alligator en een krokodil?'],
  ['nl', 'creative_writing', 'Help me met een tekstje voor de verjaardag van mijn oma.'],
  ['pl', 'factual_question', 'Jaka jest różnica między krokodylem a aligatorem?'],
  ['pl', 'rewriting', 'Jak to będzie po angielsku: „Spotkajmy się w poniedziałek”?'],
  ['pl', 'creative_writing', 'Pomóż mi napisać życzenia urodzinowe dla babci.'],
  ['tr', 'factual_question', 'Timsah ile alligator arasındaki fark nedir?'],
  ['tr', 'creative_writing', 'Büyükannem için bir doğum günü mesajı yazar mısın?'],
  ['ru', 'creative_writing', 'Помоги написать поздравление с днём рождения для бабушки.'],
  ['ru', 'factual_question', 'Чем крокодил отличается от аллигатора?'],
  [
    'ru',
    'summary',
    'Расскажи коротко, о чём этот текст: Город закрывает мост на ремонт. Движение пойдёт в объезд. Работы закончат осенью.',
  ],
  ['zh', 'creative_writing', '给我奶奶写几句生日祝福。'],
  ['zh', 'factual_question', '鳄鱼和短吻鳄有什么区别？'],
  ['zh', 'rewriting', '这句话用英语怎么说：我们星期一十点见。'],
  ['ja', 'creative_writing', '祖母への誕生日メッセージを考えてください。'],
  ['ja', 'factual_question', '虹はどうやってできるの？'],
  ['ko', 'creative_writing', '할머니 생신 축하 메시지를 써 줘.'],
  ['ko', 'factual_question', '무지개는 어떻게 생기나요?'],
  ['ar', 'factual_question', 'كيف يتكون قوس قزح؟'],
  ['ar', 'rewriting', 'كيف أقول بالإنجليزية: نلتقي يوم الاثنين؟'],
  ['hi', 'factual_question', 'इंद्रधनुष कैसे बनता है?'],
]

describe('a request in another language than English', () => {
  it('is told right half of the time at least', () => {
    const right = ASKED.filter(([, task, prompt]) => understand(asking(prompt), model).task === task)
    expect(right.length).toBeGreaterThanOrEqual(ASKED.length / 2)
  })
  it.each([
    ['Schreib meiner Nachbarin eine Mail, dass ich am Sonntag ihre Blumen gieße.', 'creative_writing'],
    ['Escribe una carta a mi abuela dando las gracias por el regalo.', 'creative_writing'],
    ['Napisz maila do sąsiada z przeprosinami za hałas.', 'creative_writing'],
    ['이웃에게 사과하는 편지를 써 줘', 'creative_writing'],
  ] as const)('a letter is no program: %s', (prompt, task) => {
    expect(understand(asking(prompt), model).task).toBe(task)
  })
})
