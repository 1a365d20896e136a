/**
 * Words that play a part beside a name ("Dear", "Mrs", "said", "in"), in ten languages or so, each list under what its words have in common.
 * A word with two parts plays the first. What is in none of them is in the table of names, or is nothing but a word.
 */
import { nameHash } from './name-table.ts'

export const PARTS: Record<string, string> = {
  title:
    'mr mrs ms miss mx dr prof professor sir madam herr herrn frau fräulein monsieur madame mademoiselle mme mlle m señor señora señorita sr sra srta don doña dona senhor senhora signor signora signorina sig dott dottor dottoressa pan pani panie mevrouw meneer dhr mevr bay bayan господин госпожа doctor doktor president captain judge senator king queen prince princess saint uncle aunt aunty onkel tante oncle tía tío dra drs ing',
  intro:
    "name names named called call calls nenne heiße heisse heißt appelle nomme nombre llamo llama llamado nome chamo chama chiamo chiama heet naam имя зовут imię nazywam nazywa adım adı ismim i'm signed heter navn namn hedder nimeni jmenuji",
  place:
    'in at from to near into toward towards through across around en à dans aus nach bei au aux desde em no na nel nella da dalla w z do в из на naar uit near visit visiting capital city',
  say: 'said says say asked asks told tells wrote writes replied answered shouts shouted thinks thought shouted added explained sagte sagt fragt dit demande dijo dice disse diz zei powiedział сказал сказала dedi bought buys sold sells gave gives ate eats went goes wants wanted needs loves likes works lives lived born met married earns runs walked drove makes made',
  be: 'is was are were has had will would can could does did ist war hat est était es fue era é foi è ha jest był был была',
  people:
    'african american european asian irish english scottish welsh british french german italian spanish portuguese dutch polish russian turkish greek swedish norwegian danish finnish chinese japanese korean indian arab arabic persian hebrew latin hindu muslim islamic jewish buddhist catholic protestant ottoman roman byzantine elizabethan victorian mexican brazilian canadian australian hindi easter christmas thanksgiving rome venus mars jupiter saturn mercury earth god bible quran christ islam christianity judaism buddhism hinduism renaissance baroque',
  region: 'san santa são saint st los las new north south east west port fort mount lake cape great united republic sankt bad',
  article:
    'the a an this that these those der die das den dem des ein eine einen einem le la les un une el los las una lo il gli i o os as um uma het een my your his her our their its every each no any some mein meine mon ma mi meu',
  pronoun:
    'he she they we you it who whom i ich er sie wir il elle nous vous yo él ella eu ele io lui ik hij zij ja on ona я он она ben jag du han hon vi jeg hun minä hän já ty ona én te ive youve weve theyve youll theyll youre theyre dont cant isnt',
  address: 'apt apartment suite unit floor box pobox postbox postfach flat room zip postcode ste etage piso appartement',
  and: 'and & or y e und et en i и ve oder ou o',
  particle: 'van von der den de del della di da dos das du le la bin ibn ben al el ter ten zu af av mac',
  kin: 'wife husband son daughter friend brother sister mother father kid child boss colleague neighbour neighbor manager cousin grandfather grandmother boyfriend girlfriend partner patient client customer student teacher mum mom dad frau mann sohn tochter freund freundin bruder schwester mutter vater kollege kollegin chef patientin kunde kundin femme mari fils fille ami amie frère sœur mère père collègue esposa esposo marido hijo hija amigo amiga hermano hermana madre padre jefe filho filha irmão irmã mãe pai moglie marito figlio figlia fratello sorella amico amica żona mąż syn córka brat siostra жена муж сын дочь друг брат сестра vriend vriendin broer zus moeder zoon dochter',
  greeting:
    'dear hi hello hey hallo bonjour salut cher chère hola querido querida estimado estimada olá caro cara prezado ciao buongiorno gentile lieber liebe geehrter geehrte sehr beste geachte merhaba sayın drogi droga cześć дорогой дорогая уважаемый уважаемая привет здравствуйте thanks thank danke merci gracias obrigado grazie bedankt dzięki спасибо cc',
  regards:
    'regards sincerely cheers yours love best wishes grüße grüßen gruß cordialement amicalement saludos atentamente atenciosamente abraços saluti cordiali groet groeten pozdrawiam saygılarımla уважением',
  person:
    'with by for about tell ask email contact write mit für von an avec pour par con para por com per met voor z dla dlaczego с для ile',
  firm: 'inc ltd llc gmbh ag plc corp corporation company co university college school institute street st road rd avenue ave lane drive square park lake river mount mountain island city county bank group museum hospital airport station theorem method algorithm equation law test law constant distribution award prize stadium bridge church cathedral magazine times post journal university strasse straße platz rue place université calle plaza via universidade universidad gatan gata vägen vei vej veien gade katu tie utca útja tér ul ulica ulice trg weg gasse allee straat laan viale corso piazza avenida rúa boulevard blvd terrace court close crescent way heights hotel cup league fc restaurant café store shop house hall theatre theater orchestra foundation association committee language',
  date: 'january february march april may june july august september october november december monday tuesday wednesday thursday friday saturday sunday feb mar apr jun jul aug sep sept oct nov dec mon tue wed thu fri sat sun januar februar märz mai juni juli oktober dezember montag dienstag mittwoch donnerstag freitag samstag sonntag janvier février mars avril juin juillet août septembre octobre novembre décembre lundi mardi mercredi jeudi vendredi samedi dimanche enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre lunes martes miércoles jueves viernes sábado domingo gennaio febbraio aprile maggio giugno luglio settembre ottobre dicembre janeiro fevereiro março maio junho julho setembro outubro novembro dezembro segunda terça quarta quinta sexta января февраля марта апреля мая июня июля августа сентября октября ноября декабря',
}

export const PART_NAMES = Object.keys(PARTS)

let parts: Map<number, number> | undefined
/** By the hash of a word, the place of its part among `PART_NAMES`. */
export function partsByHash(): Map<number, number> {
  if (parts) return parts
  parts = new Map()
  for (const [part, name] of PART_NAMES.entries())
    for (const word of (PARTS[name] as string).split(' ')) {
      const hash = nameHash(word)
      if (!parts.has(hash)) parts.set(hash, part)
    }
  return parts
}
