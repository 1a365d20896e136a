/**
 * Phrases and what they speak for. Each line is a cue, how strongly, and phrases divided by bars; a phrase has up to six
 * words (or characters, in scripts without spaces). Cues named as a task or domain speak for it; the others are put
 * together by `task.ts`, `difficulty.ts`, `expected-output.ts` and `injection.ts`.
 *
 * These are the words people use when they ask, in the languages they most ask in, not the words of the subject: a
 * classifier learned from data replaces this list, behind the same features.
 */
import { DOMAINS, type Domain, TASKS, type Task } from '../../schema/features.ts'
import { HashTable, PHRASE_MAX, phraseHash, type Words, wordsOf } from './words.ts'

/** `make` something, a `code_thing` or a `text_thing`; a task is likely where both are there. */
const CUES = [
  'make',
  'code_thing',
  'text_thing',
  'wh',
  'choice',
  'quantity',
  'passage',
  'hard',
  'easy',
  'short',
  'long',
  'override',
  'reveal',
] as const
type Cue = Task | `in_${Domain}` | (typeof CUES)[number]

export const ENTRIES: [Cue, number, string][] = [
  // Code
  [
    'code_generation',
    2.5,
    'write code|write a function|write a python|python function|write a script|write a program|write a regex|unit test|unit tests|sql query|implement a|implement the|write a query|bash script|javascript function|dockerfile|in python|in javascript|in typescript|in java|in rust|in golang|using python|using javascript|complete the following code|complete the code|write a test|write tests|code golf|leetcode|self contained code|your code should pass|code to solve|funktion in python|schreibe eine funktion|écris une fonction|escribe una función|escreva uma função|写一个函数|写代码|编写代码|编写一个|用python|関数を書|コードを書|напиши функцию|напиши код|напиши скрипт',
  ],
  [
    'code_generation',
    1.2,
    'refactor|typescript|python|javascript|sql|rust|golang|kotlin|regex|react component|api endpoint|html|css|bash|pandas|numpy|terraform|kubernetes|yaml config|django|flask|nodejs|script',
  ],
  [
    'code_understanding',
    2.5,
    'explain this code|explain the code|what does this code|what does this function|code review|review this code|review my code|find the bug|find bugs|fix this bug|fix the bug|debug this|debug the|stack trace|traceback|why does this code|output of this code|output of the following|what is the output|predict the output|what will this print|what will be printed|given the following python|assert f|refactor this|optimize this code|null pointer|segfault|error message|typeerror|nullpointerexception|syntaxerror|erkläre diesen code|explique ce code|解释这段代码|这段代码|コードを説明',
  ],
  [
    'code_thing',
    1,
    'function|functions|script|program|code|class|method|query|regex|regular expression|algorithm|api|endpoint|component|component|sql|parser|module|cli|snippet|database schema|dockerfile|makefile|workflow|unit test|unit tests|test case|webpage|website|app|bot|crawler|scraper|decorator|hook|middleware|funktion|skript|programm|fonction|función|função|funzione|函数|代码|程序|脚本|関数|コード|プログラム|функцию|скрипт|код|программу',
  ],
  [
    'make',
    1,
    'write|create|build|implement|generate|make|develop|design|draft|compose|code|produce|construct|add|schreibe|erstelle|écris|écrivez|rédige|crée|escribe|crea|redacta|escreva|crie|scrivi|schrijf|napisz|напиши|создай|write me|please write|写|编写|生成|创建|设计|書いて|作成|作って|작성',
  ],
  // Mathematics
  [
    'mathematics',
    2.2,
    'solve for|find the value|value of x|how many|how much|calculate|compute the|evaluate the|simplify the|simplify|the equation|prove that|derivative|integral|integrate|probability that|the probability|square root|percent of|how much money|in total|find all real|let x|such that|the sum of|the product of|perimeter|the area of|area of|remainder when|divided by|positive integer|positive integers|real numbers|polynomial|triangle|hypotenuse|logarithm|matrix|eigenvalue|arithmetic sequence|geometric sequence|wie viel|wie viele|combien|cuántos|cuántas|cuánto|quantos|quanti|сколько|berechne|calcule|calcula|多少|几个|求|计算|解方程|いくつ|何個|いくら|何人|ngapi|எத்தனை|ఎన్ని|ఎంత|কত|কতগুলি|กี่|เท่าไร|얼마|몇',
  ],
  [
    'mathematics',
    0.8,
    'times|twice|half|total|each|per|altogether|left|more than|fewer|equation|angle|circle|radius|fraction|digits|average|speed|miles|dollars|cost|costs|percent|sum|integer|integers|function f|equal to|equals|final answer|boxed|函数|集合|已知|三角形|方程|米|千克|元|平方',
  ],
  [
    'quantity',
    1,
    'how many|how much|how far|how long|how old|how fast|what percentage|what percent|total number|altogether|in total|wie viel|wie viele|combien|cuántos|cuántas|cuánto|quantos|сколько|多少|几|いくつ|何|ngapi|কত|ఎన్ని|เท่าไร|กี่',
  ],
  // Reasoning
  [
    'reasoning',
    2.2,
    'which of the following must|must be true|could be true|can be inferred|logically follows|most strengthens|most weakens|weakens the argument|strengthens the argument|assumption|flaw in|premises|syllogism|deductively|truth teller|tells the truth|says that|lies|logic puzzle|puzzle|riddle|in order|left of|right of|older than|taller than|sits|is sarcastic|sarcastic|adjective order|which sentence has|plausible|return to the starting|starting point|same time|what time|yesterday|tomorrow|valid or invalid|is the argument|true or false|not true is|sort the following|alphabetically|closing parentheses|rest of the sequence|how would a typical|antecedent|pronoun|most similar to|from left to right|at the end|step by step reasoning|the following paragraphs each|fixed order|if the statement|推理|推断|推出|如果为真|假设|结论|论证|前提|以下哪项',
  ],
  [
    'reasoning',
    1,
    'therefore|suppose|deduce|infer|conclude|conclusion|argument|reasoning|logical|trade offs|tradeoffs|pros and cons|analyze|analyse|compare|evaluate whether|strategy|decide|plan|plan a|what would happen|cause|because of|hypothesis|swap|swap with|blue|red|objects|if all|then all|not all|some of the|exactly one|at least one',
  ],
  // Questions
  [
    'factual_question',
    1.6,
    'who is|who was|who were|what is|what are|when was|when did|where is|where was|which country|what year|in what year|capital of|define|definition of|what does|who wrote|who invented|is it true|was ist|wer ist|wer war|qui est|qu est ce|qué es|quién|quién es|o que é|quem|cos è|chi è|что такое|кто|где|когда|什么是|是谁|哪个|下列|以下|的是|正确的|とは|誰|what happens|where would|where do|where can|did you know|can you|could a|would a|do people|is the name|are the|known as|known for|author of|president|language is|meaning of|tell me about|name the|difference between',
  ],
  [
    'factual_question',
    0.8,
    'explain|describe|why is|why do|why are|how does|how do|does the|is a|history|erkläre|explique|explica|объясни|解释|说明|説明|which of the following|which one of|the following is|statements is|are called|is called|is known',
  ],
  [
    'wh',
    1,
    'who|what|when|where|which|why|how|whose|whom|is|are|does|do|did|can|could|was|were|will|would|should|has|wer|wann|wo|warum|wie|welche|welcher|qui|quand|où|pourquoi|comment|quel|quelle|quién|cuándo|dónde|por qué|cómo|cuál|quando|onde|como|qual|dove|perché|кто|что|когда|где|почему|как|какой|谁|什么|哪|为什么|怎么|如何|吗|誰|何|いつ|どこ|なぜ|どう',
  ],
  [
    'choice',
    1,
    'answer choices|options|choices|choose the|select the|pick the|the correct answer|multiple choice|option|choose one|answer with the letter|which of the following|choose from|选择|选项|下列',
  ],
  [
    'grounded_question',
    2.6,
    'based on the passage|according to the passage|based on the text|according to the text|according to the article|based on the context|given the context|using the context|based on the following|read the following|given the passage|answer the question based|the passage|the following passage|the following context|the paragraph above|based on the above|from the passage|the above text|context above|the document|according to the document|in the document|in the text|the article|this article|background information|author of the passage|the author suggests|the author mentions|the extract|the given text|based on this|use only the|only the information|阅读|根据文章|根据材料|文中|文章|材料|本文|laut dem text|selon le texte|según el texto',
  ],
  [
    'grounded_question',
    1.2,
    'passage|context|article|document|paragraph|excerpt|background|above|hint|following text|the text|report|contract|transcript|situation',
  ],
  [
    'passage',
    1,
    'passage|context|article|document|text|paragraph|excerpt|background|story|transcript|report|conversation|dialogue|contract|email|review|abstract|文章|材料',
  ],
  // Texts
  [
    'summary',
    3,
    'summarize|summarise|summary|summarization|tl dr|tldr|key points|main points|main idea|key takeaways|main points one|give the summary|points one should remember|what is this about|about in a few|sum up|in a nutshell|condense|briefly describe what|shorten|give a headline|headline for|write a title|generate a title|title for this|what is the gist|boil down|executive summary|abstract for|highlights of|summarizing|zusammenfassung|fasse|zusammenfassen|résume|résumé|résumer|resume|resumen|resumir|resumo|riassumi|riassunto|samenvatting|vat samen|кратко|резюмируй|суммируй|总结|摘要|概括|归纳|要約|まとめて|요약',
  ],
  [
    'extraction',
    2.6,
    'extract|extract the|extract all|identify all|list all the|pull out|find all names|named entities|named entity|classify|classify the|classification|categorize|categorise|label the|sentiment|positive or negative|positive negative|is this review|what category|which category|which topic|what label|label best|best describes|would you describe|categories|the category|spam or|duplicate questions|same meaning|entailment|contradiction|paraphrase of each other|assign a|rating|rate this|how many stars|key value|as json|in json|into json|json format|into a table|into csv|parse this|parse the following|fill in the fields|tag the|detect|intent|yes or no does|equivalent|not equivalent|paraphrases|does the review|is the reviewer|would you rate|satisfied|extrahiere|extrais|extraire|extrae|extraer|extraia|estrai|извлеки|提取|抽取|分类|情感|抽出|分類|topic of|type of question|belongs to|belong to|section would|section of a',
  ],
  [
    'rewriting',
    3,
    'rewrite|rephrase|paraphrase|translate|translation of|translate to|translate into|translate this|proofread|fix the grammar|correct the grammar|grammar|improve this|improve the writing|make it sound|make this more|more formal|more professional|more concise|shorter version|simplify this text|in simpler words|edit this|edit the|polish|reword|convert this text|change the tone|make the following|correct the following|übersetze|übersetzen|umschreiben|formuliere|verbessere|traduis|traduire|reformule|corrige|traduce|traducir|reescribe|traduza|traduzir|traduci|vertaal|переведи|перепиши|исправь|翻译|改写|润色|修改|翻訳|訳して|書き直|번역',
  ],
  [
    'creative_writing',
    2.6,
    'poem|haiku|sonnet|short story|a story|story about|write a story|song|lyrics|screenplay|novel|limerick|essay|blog post|write an essay|speech|fairy tale|dialogue between|role play|slogan|tagline|brainstorm|brainstorm ideas|ideas for|give me ideas|names for|creative|joke|tell me a joke|fan fiction|once upon a time|title of the story|ad copy|product description|marketing copy|cover letter|social media post|tweet|caption|sentence using|sentence with|coherent sentence|using the following words|using these words|generate a sentence|gedicht|geschichte|aufsatz|poème|histoire|dissertation|poema|cuento|historia|ensayo|redação|poesia|racconto|gedicht|стихотворение|рассказ|эссе|сказку|诗|故事|作文|小说|文案|詩|物語|小説|俳句|시를',
  ],
  [
    'text_thing',
    1,
    'poem|story|essay|letter|email|speech|post|article|song|lyrics|script for a|blog|caption|slogan|description|dialogue|review|paragraph|novel|chapter|tweet|ad|announcement|brief|brief essay|gedicht|geschichte|brief an|poème|histoire|lettre|poema|cuento|carta|sentence|诗|故事|作文|文章|邮件|信',
  ],
  // Talk
  [
    'conversation',
    2.2,
    'hello|hi there|hi|hey|how are you|thank you|thanks|good morning|good evening|nice to meet|what s up|who are you|i feel|i am feeling|i m sad|i m so|my boyfriend|my girlfriend|my friend|advice|should i|what should i|do you like|do you think|your opinion|let s talk|let s chat|chat with me|tell me about yourself|hallo|guten tag|danke|bonjour|merci|salut|hola|gracias|olá|obrigado|ciao|grazie|привет|спасибо|你好|谢谢|您好|こんにちは|ありがとう|안녕하세요',
  ],
  [
    'agentic',
    1.6,
    'use the tool|use the tools|call the|function call|tool call|search the web|browse|book a|send an email|schedule a|set a reminder|run the tests|run the|open a pull request|create a file|edit the file|read the file|commit|in the repo|in the repository|the codebase|weather in|order a|play some|turn on|turn off|get the current|fetch the',
  ],
  // Subject matter
  [
    'in_code',
    1.5,
    'python|javascript|typescript|java|rust|golang|code|function|sql|api|database|compiler|algorithm|git|docker|kubernetes|linux|bash|regex|html|css|react|server|software|programming|代码|编程|函数式|プログラム',
  ],
  [
    'in_stem',
    1.3,
    'equation|theorem|physics|chemistry|biology|molecule|atom|energy|velocity|acceleration|electron|reaction|acid|cell|cells|dna|protein|gene|species|planet|galaxy|voltage|circuit|integral|derivative|polynomial|probability|geometry|algebra|calculus|temperature|mass|force|magnetic|quantum|enzyme|organism|wavelength|engineering|entropy|thermodynamics|matrix|prime|integer|triangle|物理|化学|生物|数学|反应|溶液|细胞|函数|三角形',
  ],
  [
    'in_medicine',
    1.6,
    'patient|symptoms|diagnosis|treatment|disease|medication|dose|dosage|clinical|therapy|syndrome|cancer|diabetes|infection|surgery|blood pressure|doctor|physician|pain|chronic|tumor|anatomy|nerve|artery|muscle|pregnancy|vaccine|antibiotic|medical|患者|症状|治疗|疾病|病人|patientin|médecin|paciente|síntomas',
  ],
  [
    'in_law',
    1.6,
    'court|plaintiff|defendant|statute|contract|liability|lawsuit|legal|law|attorney|constitutional|amendment|criminal|tort|negligence|jurisdiction|clause|gdpr|copyright|license agreement|evidence rule|appeal|judge|jury|prosecution|法院|法律|合同|犯罪|刑法|原告|被告|民法|gericht|gesetz|tribunal|loi|ley',
  ],
  [
    'in_business',
    1.4,
    'company|market|marketing|revenue|profit|customer|customers|investment|stock|shares|accounting|tax|budget|sales|startup|business|management|strategy|price elasticity|interest rate|loan|bank|account|card|invoice|employee|employees|supply chain|brand|payment|transfer|refund|企业|市场|利润|银行',
  ],
  [
    'in_social_sciences',
    1.3,
    'psychology|sociology|economics|economy|gdp|inflation|government|politics|political|election|policy|society|culture|behavior|cognitive|freud|education|population|demand curve|monetary|fiscal|geography|urban|migration|gender|international relations|政治|经济|社会|地理|人口',
  ],
  [
    'in_humanities',
    1.3,
    'history|century|war|empire|philosophy|ethics|moral|religion|god|bible|church|art|painting|literature|poem|poet|novel|author|shakespeare|kant|plato|aristotle|ancient|medieval|revolution|king|queen|dynasty|music|mythology|wrong according|moral standards|历史|朝代|革命|哲学|文学|古代|诗',
  ],
  // How hard
  [
    'hard',
    1,
    'prove|proof|rigorous|rigorously|derive|theorem|olympiad|optimal|optimize|complexity|np hard|asymptotic|distributed|concurrency|race condition|deadlock|architecture|design a system|system design|formal|phd|graduate level|expert|advanced|edge cases|in depth|comprehensive|thorough|multi step|step by step|constraints|trade offs|tradeoffs|analyze|critically|quantum|stochastic|differential equation|topology|eigenvalue|bayesian|proof by|counterexample|zero knowledge|compiler|kernel|cryptographic|differential diagnosis|jurisdiction|lock free|wait free|memory order|linearizable|strongly consistent|证明|推导|証明|beweise|beweisen|beweis|herleiten|herleitung|widerlege|überabzählbar|démontrer|démontrez|démontre|montrez que|prouver|prouvez|demuestra|demuestre|demostrar|dimostra|dimostrare|udowodnij|bewijs|докажи|докажите|доказать|выведи',
  ],
  [
    'easy',
    1,
    'simple|quick|quickly|briefly|basic|short|one word|one sentence|yes or no|hello|hi|thanks|thank you|capital of|what is the capital|translate|spell|rephrase|proofread|synonym|antonym|define|joke|what year|what day|for a child|for kids|eli5|like i m five|how many days|what time is it|übersetze|hauptstadt|wie spät|in einem satz|traduis|traduisez|la capitale de|quelle heure|traduce|traduzca|la capital de|cuál es la moneda|qué hora|traduci|traduza|переведи|столица|сколько дней|который час|翻译|翻訳|首都',
  ],
  // How long
  [
    'short',
    1,
    'one word|single word|yes or no|true or false|only the answer|just the answer|only the letter|answer with the letter|just the number|only the number|only the final|answer only|answer briefly|one letter|single letter|no explanation|without explanation|do not explain|don t explain|in a word|ein wort|nur die antwort|ja oder nein|un mot|oui ou non|sí o no|una palabra|sim ou não|да или нет|только ответ|只回答|是或否|一个词|はいかいいえ',
  ],
  [
    'long',
    1,
    'detailed|in detail|comprehensive|thorough|in depth|long|lengthy|extensive|full|complete guide|step by step guide|tutorial|essay|report|chapter|whitepaper|ausführlich|détaillé|detallado|detalhado|подробно|详细|全面|詳しく|詳細',
  ],
  // Attempts on the operator
  // What is asked for in other languages than English, in the words of every day.
  [
    'make',
    1,
    'schreib|schreib mir|verfass|verfasse|entwirf|dichte|erfinde|formulier|écris moi|rédige moi|invente|imagine une|escríbeme|redáctame|inventa|redija|escreve|scrivimi|maak|verzin|bedenk|zrób|wymyśl|zredaguj|yaz|yazın|hazırla|придумай|составь|써 줘|써 주세요|지어 줘|작성해 줘|लिखो|लिखिए|बनाओ|اكتب|اكتبي|帮我写|写一|编一',
  ],
  [
    'text_thing',
    1,
    'e mail|mail|eine mail|nachricht|rede|einladung|märchen|courriel|discours|invitation|correo|mensaje|discurso|invitación|mensagem|convite|conto|messaggio|discorso|invito|favola|lettera|brief aan|verhaal|verhaaltje|toespraak|maila|list do|wiersz|bajkę|przemówienie|e posta|mektup|şiir|masal|hikaye|письмо|тост|стихи|сказку|이메일|이메일을|편지를|축사를|ईमेल|पत्र|कविता|कहानी|رسالة|قصيدة|قصة|メール|手紙|邮件',
  ],
  [
    'creative_writing',
    2,
    'eine mail|eine e mail|eine kurze mail|einen brief|eine nachricht|gutenachtgeschichte|eine rede|werbetext|eine einladung|stellenanzeige|un mail|un courriel|une lettre|un petit mot|un discours|un slogan|une histoire|un correo|una carta|un mensaje|un brindis|un anuncio|un cuento|um e mail|uma carta|uma mensagem|um conto|uma legenda|una mail|una lettera|una favola|un discorso|uno slogan|een mail|een brief|verhaaltje|een slogan|een gedicht|maila do|list do|bajkę|wiersz|przemówienie|e posta yaz|mektup yaz|şiir yaz|masal yaz|bir şiir|bir masal|письмо|тост|стихи|이메일을 써|편지를 써|시를 써|축사를 써|이야기를 지어|ईमेल लिखो|पत्र लिखिए|पत्र लिखो|कविता लिखो|कहानी लिखो|رسالة إلى|قصيدة|اخترع قصة|ルを書いて|写一封|写一首|写一段',
  ],
  [
    'rewriting',
    2,
    'höflicher|freundlicher|förmlicher|professioneller|umformulieren|formulieren|in einfacher sprache|auf englisch|auf spanisch|ins englische|ins italienische|rechtschreibung|plus poli|plus poliment|plus aimable|plus professionnel|reformuler|orthographe|en anglais|más formal|más educado|más amable|más profesional|al inglés|corrige los|reescribir|mais formal|mais educado|mais educada|mais profissional|para o inglês|corrija|reescreva|riscrivi|riscrivere|più formale|più cortese|più gentile|più professionale|in inglese|correggi|herschrijf|vriendelijker|formeler|verbeter|vertaal|naar het engels|przetłumacz|popraw|przeredaguj|grzeczniej|na angielski|ingilizceye çevir|çevir|düzelt|daha kibar|daha resmi|고쳐 줘|영어로|바꿔 줘|공손하게|अनुवाद|सुधारो|विनम्र|ترجم|أعد صياغة|صياغة|丁寧|敬語に|译成|вежливее|официальнее|на английский',
  ],
  [
    'summary',
    2,
    'fass|kurzfassung|in zwei sätzen|in drei sätzen|kernaussagen|worum geht es|synthétise|en bref|points clés|en deux phrases|fais un résumé|haz un resumen|resúmeme|puntos clave|en dos frases|resuma|resuma o|faça um resumo|um resumo|pontos principais|em duas frases|fai un riassunto|sintetizza|punti principali|in due frasi|samenvatting van|vat de|vat het|in twee zinnen|streść|podsumuj|streszczenie|özetle|özetler|iki cümlede|요약해|요약해 줘|두 문장으로|핵심만|सारांश|संक्षेप|لخص|تلخيص|перескажи|в двух предложениях',
  ],
  [
    'extraction',
    2,
    'liste alle|alle namen|alle datumsangaben|alle beträge|alle orte|als liste|heraus|zieh|welche stimmung|positiv oder negativ|relève|toutes les dates|les montants|noms propres|les lieux|liste des|cet avis|positif ou négatif|enumera|todas las fechas|los importes|los nombres|los lugares|positiva o negativa|esta reseña|liste|todas as datas|os valores|os nomes|positiva ou negativa|elenca|tutte le date|gli importi|i nomi|i luoghi|questa recensione|haal alle|in een lijst|uit deze tekst|wypisz|wyciągnij|z tekstu|listele|metindeki|뽑아 줘|뽑아|выпиши|все даты|استخرج|निकालो|列出所有|書き出して',
  ],
  [
    'agentic',
    2,
    'wecker|den wecker|erinnere mich|erinner mich|reservier|reserviere|buch mir|buche|in den kalender|einen timer|mach das licht|prends rendez vous|réserve|rappelle moi|une alarme|mon agenda|boîte mail|une confirmation|reserva|recuérdame|una alarma|avísame|apaga las|apaga a|mi calendario|me avise|me lembre|um alarme|coloca um|prenota|ricordami|un timer|la sveglia|in agenda|spegni|herinner me|een wekker|boek een|doe het licht|przypomnij|zarezerwuj|budzik|wyłącz|hatırlat|alarm kur|masa ayırt|ayırt|ışığını|알람|예약해|예약해 줘|맞춰 줘|불 꺼|याद दिलाना|अलार्म|बुक करो|ذكرني|احجز|اضبط|أطفئ|напомни|закажи|забронируй|будильник|выключи|перенеси|提醒我|帮我订|叫我起床|关掉|アラーム|予約して|電気を消して',
  ],
  [
    'conversation',
    1.5,
    'na alles klar|guten morgen|mir ist langweilig|langweilig|bist du|coucou|ça va|je m ennuie|tu es un|buenos días|qué tal|mil gracias|eres una|oi tudo|tudo bem|valeu|estou entediado|come va|mi annoio|grazie mille|hoi|bedankt|ik verveel|cześć|co słychać|dziękuję|nudzi|selam|merhaba|nasılsın|teşekkürler|잘 지냈어|고마워|심심해|नमस्ते|धन्यवाद|कैसे हो',
  ],
  [
    'wh',
    1,
    'wieso|weshalb|wozu|waarom|wanneer|hoe|dlaczego|kiedy|gdzie|neden|nasıl|nedir|kaç|왜|뭐예요|뭐야|언제|누가|क्यों|क्या|कौन|कब|لماذا|ما هو|ما هي|متى|كيف|أين|por que|o que|cosa|come mai|quién|cuándo',
  ],
  [
    'factual_question',
    2,
    'wieso|weshalb|warum|pourquoi|comment se fait|por qué|por que|perché|come mai|o que é|o que provoca|o que causa|para que serve|waarom|hoe komt het|dlaczego|jak to|neden|왜|क्यों|لماذا|为什么|なぜ|почему|wer hat|wann wurde|qui a|quand a|quién|cuándo se|chi ha|quando è|dove si trova|뭐예요|क्या होती|क्या है|nedir',
  ],
  [
    'reasoning',
    2,
    'was folgt|folgt daraus|que peut on en déduire|que peut on conclure|qué se deduce|qué se concluye|se conclui|cosa ne segue|was folgt daraus|älter als|größer als|plus grand que|más alto que|mais velho que|più alto di|что из этого следует|выше',
  ],
  [
    'mathematics',
    1.5,
    'wie viel sind|wie viel braucht|combien font|cuánto es|quanto é|quanto fa|quanti gliene|hoeveel is|hoeveel|ile to|ile jej|ile|kaçtır|kaç tane|퍼센트|얼마야|몇 개|prozent von|por ciento',
  ],
  [
    'override',
    1,
    'ignore previous instructions|ignore all previous|ignore the above|ignore your instructions|ignore all prior|disregard previous|disregard all previous|disregard the above|disregard your instructions|forget your instructions|forget all previous|forget previous instructions|override your instructions|bypass your|you are now dan|do anything now|jailbreak|jailbroken|developer mode|without any restrictions|no restrictions|unfiltered|not bound by|no ethical|without ethical|ignore any rules|ignore safety|pretend you have no|new instructions|ignoriere alle vorherigen|ignoriere die vorherigen|ignore les instructions|ignora las instrucciones|игнорируй предыдущие|忽略之前|忽略以上|無視して',
  ],
  [
    'reveal',
    1,
    'system prompt|your system prompt|your instructions|your initial instructions|repeat the words above|repeat everything above|print your prompt|reveal your|show me your prompt|hidden instructions|your original instructions|verbatim',
  ],
]

export const CUE_NAMES = [...TASKS, ...DOMAINS.map(domain => `in_${domain}` as const), ...CUES] as const
export type CueName = (typeof CUE_NAMES)[number]
const CUE_INDEX = new Map<string, number>(CUE_NAMES.map((name, index) => [name, index]))
export const cueIndex = (name: CueName): number => CUE_INDEX.get(name) as number

type Phrases = { table: HashTable; lastWords: HashTable; effects: number[][] }
const { table: PHRASES, lastWords: LAST_WORDS, effects: EFFECTS } = compile()

/** phrase -> cue and strength, alternating; and word -> the lengths of the phrases it ends, as bits. */
function compile(): Phrases {
  const byHash = new Map<number, number[]>()
  const lengths = new Map<number, number>()
  for (const [cue, strength, phrases] of ENTRIES) {
    for (const phrase of phrases.split('|')) {
      const { hashes, count: length } = wordsOf(phrase)
      if (length === 0 || length > PHRASE_MAX) throw new Error(`a phrase has 1 to ${PHRASE_MAX} words, unlike "${phrase}"`)
      const last = hashes[length - 1] as number
      lengths.set(last, (lengths.get(last) ?? 0) | (1 << length))
      const hash = phraseHash(hashes, length - 1, length)
      const effects = byHash.get(hash) ?? []
      if (!effects.some((value, index) => index % 2 === 0 && value === cueIndex(cue)))
        byHash.set(hash, [...effects, cueIndex(cue), strength])
    }
  }
  const table = new HashTable(byHash.size)
  const lastWords = new HashTable(lengths.size)
  const effects: number[][] = [[]]
  for (const [hash, list] of byHash) table.set(hash, effects.push(list) - 1)
  for (const [hash, bits] of lengths) lastWords.set(hash, bits)
  return { table, lastWords, effects }
}

/** What a phrase counts in the middle of a long text, which is mostly material, and not the request. */
const MIDDLE_WORTH = 0.3
/** What one counts that opens the text: "Rewrite ...", "Translate ...". */
const OPENING_WORTH = 1.4
const OPENING_CHARS = 12
/** Characters from either end that count in full. */
const EDGE_CHARS = 400
/** What a phrase that was there before counts again: two mentions say hardly more than one. */
const AGAIN_WORTH = 0.2
/** Times a phrase is counted at all. */
const COUNTED_MAX = 3

const seen = new Uint8Array(EFFECTS.length)
const sums = new Float64Array(CUE_NAMES.length)

/** Sums of strength by cue, in the order of `CUE_NAMES`, in memory that the next text reuses. */
export function cuesIn(words: Words, text_chars: number): Float64Array {
  sums.fill(0)
  seen.fill(0)
  for (let i = 0; i < words.count; i++) {
    let bits = LAST_WORDS.get(words.hashes[i] as number)
    for (let length = 1; bits > 1; length++) {
      bits >>= 1
      if ((bits & 1) === 0 || length > i + 1) continue
      const phrase = PHRASES.get(phraseHash(words.hashes, i, length))
      if (phrase === 0 || (seen[phrase] as number) >= COUNTED_MAX) continue
      const start = words.starts[i] as number
      const place = start < OPENING_CHARS ? OPENING_WORTH : start < EDGE_CHARS || start > text_chars - EDGE_CHARS ? 1 : MIDDLE_WORTH
      const worth = (seen[phrase] as number) === 0 ? place : place * AGAIN_WORTH
      ;(seen[phrase] as number)++
      const effects = EFFECTS[phrase] as number[]
      for (let k = 0; k < effects.length; k += 2) (sums[effects[k] as number] as number) += worth * (effects[k + 1] as number)
    }
  }
  return sums
}
