/**
 * The security checklist, item by item: what is asked, and which tests show it. A test may stand anywhere in `test/`; its name here is as it
 * is written there, up to its first placeholder where it has some. `npm run security` runs them all and writes `RESULTS.md`; `table.test.ts`
 * sees to it that every pointer is real.
 */
export type Item = {
  id: string
  asks: string
  /** [file below test/, name of the test or of what it describes]. */
  tests: [file: string, name: string][]
  /** What is not shown, or is somebody else's to do. */
  note?: string
}

const KEYS = 'security/workerd/keys.test.ts'
const INFERENCE = 'security/workerd/inference.test.ts'
const SOURCE = 'security/source.test.ts'
const EGRESS = 'security/egress.test.ts'
const CANARY = 'security/e2e/canary.test.ts'
const DOORS = 'routes/doors.test.ts'
const ADMIN_DOORS = 'routes/admin/doors.test.ts'
const ADMIN_KEYS = 'routes/admin/keys.test.ts'
const OWN_KEYS = 'routes/own-keys.test.ts'
const ACCESS = 'routes/admin/access.test.ts'
const POLICIES = 'routes/admin/policies.test.ts'
const AUDIT = 'routes/admin/audit.test.ts'
const USAGE = 'routes/admin/usage.test.ts'
const BODY = 'routes/body.test.ts'
const JSON_TEXT = 'core/json-text.test.ts'
const DISPATCH = 'dispatch/dispatch.test.ts'
const ONCE = 'routes/once.test.ts'
const LOAD = 'security/workerd/load.test.ts'
const OBJECT = 'store/usage-object.test.ts'

export const ITEMS: Item[] = [
  // Where calls go.
  {
    id: '1',
    asks: 'A target’s address comes from the catalogue alone; a request that names one is refused',
    tests: [
      [INFERENCE, 'is not said by %s in the body'],
      [INFERENCE, 'is not said by a header'],
    ],
  },
  {
    id: '2',
    asks: 'One place calls the network, and only hosts of the target’s provider',
    tests: [
      ['tidy.test.ts', 'leaves the network to one place'],
      [EGRESS, 'to %s goes to its provider’s own host'],
    ],
  },
  { id: '3', asks: 'Redirects are errors, and nobody is called there', tests: [[INFERENCE, 'follows nobody']] },
  {
    id: '4',
    asks: 'An address is https, public and on the standard port, in any spelling, or the overlay is refused',
    tests: [
      [POLICIES, 'does not take %s for an address'],
      [EGRESS, 'whatever it is, what is called is https'],
    ],
  },
  { id: '5', asks: 'The same for what was stored before', tests: [[EGRESS, '%s is not called']] },
  {
    id: '6',
    asks: 'A provider’s key goes to its own hosts only',
    tests: [
      [EGRESS, 'never carries a secret to a host that another secret goes to'],
      [POLICIES, 'sends no provider’s secret to another’s domain'],
      [OWN_KEYS, 'is used for the calls of its organisation to its provider, and for no others'],
    ],
  },
  { id: '7', asks: 'Images and files in prompts are fetched by nobody here', tests: [[INFERENCE, 'is the provider alone']] },
  {
    id: '8',
    asks: 'Headers to a provider are a list',
    tests: [
      [INFERENCE, 'has a list of headers, and none of the caller’s'],
      [DISPATCH, 'carries nothing but content type, credential'],
    ],
  },
  // Secrets.
  { id: '9', asks: 'Headers to a caller are a list', tests: [[INFERENCE, 'has a list of headers, and none of the provider’s']] },
  {
    id: '10',
    asks: 'Canaries in every secret are found nowhere, and would be found',
    tests: [
      [CANARY, 'has let none of them out'],
      [CANARY, 'would have been seen to'],
      ['security/canary.test.ts', 'a canary is found'],
    ],
    note: 'Every server that a test starts is searched when it stops, and `npm test` searches its own output.',
  },
  {
    id: '11',
    asks: 'Upstream error text is a code and at most 200 clean characters',
    tests: [
      ['dialects/upstream-text.test.ts', 'does not show %s'],
      ['dialects/upstream-text.test.ts', 'is cut'],
      [INFERENCE, 'of an error with status %s is a code and a sentence'],
    ],
  },
  {
    id: '12',
    asks: 'Exceptions reach a caller as a reference',
    tests: [[INFERENCE, 'of a fault of the router is a reference and nothing else']],
  },
  {
    id: '13',
    asks: 'Prompts and answers are kept nowhere, but for answers that a policy keeps to give them again, sealed',
    tests: [
      [CANARY, 'has let none of them out'],
      [ONCE, 'has nothing of question, answer or key in its storage that could be read'],
      [ONCE, 'is not done again: it is told by which decision'],
    ],
    note: 'Off unless a policy says `idempotency.keep_answers`; for a day, or as long as it says.',
  },
  {
    id: '14',
    asks: 'Callers’ keys are stored as an HMAC',
    tests: [
      ['store/keys.test.ts', 'leaves nothing in the record from which the key could be made'],
      [ADMIN_KEYS, 'lies in KV without anything that could be used'],
    ],
  },
  {
    id: '15',
    asks: 'A new pepper: old keys verify, new ones use it',
    tests: [[ADMIN_KEYS, 'seals what is new, while keys under the old one go on']],
  },
  {
    id: '16',
    asks: 'A sealed key that is moved to another record opens nothing: 500 and an alarm',
    tests: [
      ['store/envelope.test.ts', 'does not open in the record of %s'],
      [OWN_KEYS, 'opens nothing where it was copied to'],
    ],
  },
  {
    id: '17',
    asks: 'A data key for each record; nonces never repeat',
    tests: [
      ['store/envelope.test.ts', 'are never the same twice'],
      ['store/envelope.test.ts', 'come from a source whose 96 bits do not repeat in a million'],
    ],
  },
  {
    id: '18',
    asks: 'Keys are shown once, then by their last four; no-store',
    tests: [
      [ADMIN_KEYS, 'is shown once, works, and is then known by its last four characters'],
      [OWN_KEYS, 'is known afterwards by its last four characters and a fingerprint'],
      [ADMIN_DOORS, 'of %s forbids keeping'],
    ],
  },
  { id: '19', asks: 'The log has one writer, and no request in it', tests: [[SOURCE, 'is written to in one place']] },
  // Who may do what.
  {
    id: '20',
    asks: 'Every route says who may call it; a new one does not slip in',
    tests: [
      [DOORS, 'says of each route who may call it'],
      [ADMIN_DOORS, 'says of each route who may call it'],
      [DOORS, 'is closed without a key'],
    ],
  },
  {
    id: '21',
    asks: 'Bearer and x-api-key are the same caller; a key in the address is none; two are refused',
    tests: [
      [DOORS, 'counts the same as bearer and as x-api-key'],
      [DOORS, 'twice the same is one; two different ones are refused'],
      [DOORS, 'in the address is none'],
    ],
  },
  {
    id: '22',
    asks: 'Unknown, revoked, mistyped and expired keys are refused alike, in words and in time',
    tests: [
      [DOORS, 'that is unknown, mistyped, expired or revoked gets the same words'],
      ['security/timing.test.ts', 'takes the same time whether its id exists or not'],
    ],
    note: 'A mistyped key fails its checksum, which is public, and is refused sooner.',
  },
  {
    id: '23',
    asks: 'Metacharacters in headers read nothing; SQL is bound',
    tests: [
      [INFERENCE, '%j in any header is no key, and reads nothing'],
      [SOURCE, 'is a text of the source with its own constants in it'],
      [USAGE, 'take what is asked for as a value and never as SQL'],
    ],
  },
  {
    id: '24',
    asks: 'A revoked key ends within a second',
    tests: [
      [KEYS, 'gets no answer that was paid for, from the same moment on'],
      [KEYS, 'is refused within a second at %s %s'],
      ['store/revoked-key.test.ts', 'begins no request from the next commit on'],
    ],
    note: 'An isolate’s first request after it may still have called a target; its answer does not leave.',
  },
  {
    id: '25',
    asks: 'Scopes hold on every path: models, endpoints, cost, addresses, expiry',
    tests: [
      [KEYS, '%s %s: endpoints, targets, regions, policies and naming'],
      [KEYS, 'is refused from elsewhere at %s %s'],
      [KEYS, 'is refused what would cost more'],
      [KEYS, 'and on every edge'],
      ['core/addresses.test.ts', '%s in %s'],
      ['store/keys.test.ts', 'expires to the millisecond'],
    ],
  },
  {
    id: '26',
    asks: 'Another organisation’s things are not there',
    tests: [
      [ADMIN_KEYS, 'sees and changes nothing of another’s'],
      [DOORS, 'is shown to its own organisation only'],
      [OWN_KEYS, 'for another organisation’s key, or by an admin of another organisation'],
    ],
  },
  {
    id: '27',
    asks: 'Admins come by Access, checked again, and a role; Host and proxies’ headers change nothing',
    tests: [
      [ACCESS, 'that %s is refused'],
      [ACCESS, 'gives nobody a role who is not in ACCESS_ROLES'],
      [ADMIN_DOORS, 'opens nothing by what a host or a proxy’s header says'],
    ],
    note: 'One hostname serves both; a route to /admin/* by another is the operator’s to make.',
  },
  { id: '28', asks: 'No default admin: 503', tests: [[ADMIN_DOORS, 'answers 503 to %s and says how to make one']] },
  {
    id: '29',
    asks: 'Unknown fields are refused',
    tests: [
      [ADMIN_DOORS, '%s refuses a field that it does not know'],
      [OWN_KEYS, 'with a field that nobody knows'],
    ],
  },
  { id: '30', asks: 'Roles, each by each action', tests: [[ADMIN_DOORS, 'keeps %s to its role and its reach']] },
  // Pages.
  {
    id: '31',
    asks: 'A change from a browser needs a header of ours from our origin',
    tests: [[ACCESS, 'changes something only with a header that no other page can send']],
  },
  { id: '32', asks: 'Policy of content, framing, sniffing, referrers, https', tests: [[ADMIN_DOORS, 'of %s forbids keeping']] },
  {
    id: '33',
    asks: 'Stored text runs nowhere',
    tests: [['routes/admin/openapi.test.ts', 'shows every operation, and loads nothing from anywhere else']],
    note: 'The reference page, the only one of the admin API, shows no stored text and has no script.',
  },
  { id: '34', asks: 'CSV gives a spreadsheet nothing to run', tests: [[USAGE, 'as CSV gives a spreadsheet nothing to run']] },
  {
    id: '35',
    asks: 'No other origin may read an answer',
    tests: [
      [INFERENCE, 'lets no other page read it'],
      [ADMIN_DOORS, 'to a question before a request of another origin is no permission'],
    ],
  },
  { id: '36', asks: 'Nobody is sent elsewhere', tests: [[INFERENCE, 'sends nobody elsewhere']] },
  // What comes in.
  {
    id: '37',
    asks: 'Bodies are counted as they come',
    tests: [
      [BODY, 'is cut at the first byte beyond, and the rest is not read'],
      [BODY, 'is refused where the declared length lies'],
    ],
  },
  {
    id: '38',
    asks: 'Compressed and multipart bodies: 415',
    tests: [[DOORS, 'that is not JSON by its own word, or compressed, is refused']],
  },
  {
    id: '39',
    asks: 'Depth, names and sizes are bounded, in time',
    tests: [
      [JSON_TEXT, 'are on depth'],
      [JSON_TEXT, 'are on names'],
      [JSON_TEXT, 'are on objects and arrays'],
      [JSON_TEXT, 'of %s are read or refused in milliseconds'],
      ['security/limits.test.ts', 'of many messages are read, or refused'],
    ],
  },
  {
    id: '40',
    asks: 'Prototype keys are data',
    tests: [
      [DOORS, 'with prototype keys pollutes nothing'],
      [JSON_TEXT, 'are members like any other'],
    ],
  },
  {
    id: '41',
    asks: 'No expression backtracks',
    tests: [
      [SOURCE, '%s is done with 4 kB of hostile text at once'],
      [SOURCE, 'that backtracks would be found'],
    ],
  },
  {
    id: '42',
    asks: 'Upstream bytes are counted unpacked',
    tests: [
      ['security/limits.test.ts', 'is left at the limit, counted as it comes unpacked'],
      ['security/limits.test.ts', 'is read as far as it is looked at'],
    ],
  },
  {
    id: '43',
    asks: 'A stream grows to three times at most',
    tests: [['security/limits.test.ts', '%s does not become three times as long']],
  },
  { id: '44', asks: 'No text makes a header', tests: [[INFERENCE, 'is one line, with %j in the name of a rule']] },
  {
    id: '45',
    asks: 'Detours of paths lead nowhere',
    tests: [
      [DOORS, '%s is not there'],
      [ADMIN_DOORS, '%s is not there'],
    ],
  },
  {
    id: '46',
    asks: 'Requests that are cut in two places',
    tests: [[CANARY, '%s: never an answer to what was hidden inside']],
    note: 'Cloudflare’s edge refuses these; here it is shown by raw sockets on the local server.',
  },
  {
    id: '47',
    asks: 'Guessing keys is limited, and costs no read of D1',
    tests: [
      [KEYS, 'is held up after so many from one address'],
      [KEYS, 'costs no read of D1 ever'],
      [KEYS, 'is counted by the binding of the whole data centre'],
    ],
  },
  // Between tenants.
  {
    id: '48',
    asks: 'No answer of one organisation is given to another',
    tests: [
      [INFERENCE, 'with the same prompt are two calls'],
      [SOURCE, 'no cache of answers, by prompt or by meaning, is anywhere'],
    ],
    note: 'There is no cache of answers.',
  },
  {
    id: '49',
    asks: 'Errors and partial answers are never cached',
    tests: [[SOURCE, 'no cache of answers, by prompt or by meaning, is anywhere']],
    note: 'As 48.',
  },
  {
    id: '50',
    asks: 'An idempotency key is its caller’s own, and stands for one request: another body with it is refused',
    tests: [
      [ONCE, 'of two callers are two calls, of one organisation or of two'],
      [ONCE, 'with another body, or at another endpoint, is a mistake: 422'],
      [ONCE, 'gives it to nobody else'],
      [ONCE, 'has nothing of question, answer or key in its storage that could be read'],
      ['store/usage-once.test.ts', 'is taken once of two hundred that come together'],
    ],
    note: 'Answers are kept only where a policy says so, sealed under a key that only the same request can make.',
  },
  {
    id: '51',
    asks: 'One tenant’s failures close nothing to others',
    tests: [
      ['core/health/suspicion.test.ts', 'does not take a target from others who are being served'],
      ['core/health/suspicion.test.ts', 'has no more to say for being loud'],
      [OWN_KEYS, 'closes the target to nobody else'],
    ],
  },
  {
    id: '52',
    asks: 'One tenant’s load does not slow others',
    tests: [
      [LOAD, 'hold up none of another’s, which are called and answered while all of them stand'],
      [LOAD, 'use nothing of another’s limits'],
      [LOAD, 'are no more at a time than its own limit lets through'],
      [LOAD, 'of one organisation hold up none of another’s requests'],
      ['store/usage.test.ts', 'shares no call with another organisation'],
      ['core/spend/limits.test.ts', 'are counted from their beginning to their end'],
    ],
    note: 'In one isolate, by what waits for what; that a shared core has time for both is the platform’s.',
  },
  // Money.
  {
    id: '53',
    asks: 'A reservation is the worst case of the plan; no race passes a budget',
    tests: [
      [OBJECT, 'is never overspent by requests that come at the same time'],
      ['core/spend/limits.test.ts', 'never lets what is spent and held together pass the limit of any account'],
      ['routes/output-bound.test.ts', 'is the most that the answer can cost'],
    ],
  },
  {
    id: '54',
    asks: 'max_tokens is bound by policy; a missing one is set and priced',
    tests: [
      ['routes/output-bound.test.ts', 'at %s for %s is sent with the policy’s'],
      ['routes/output-bound.test.ts', 'above the policy’s, at %s for %s, gets the policy’s'],
      ['routes/output-bound.test.ts', 'is the most that the answer can cost'],
      ['routes/output-bound.test.ts', 'by the policy’s assumption where there is no bound'],
    ],
    note: 'By `limits.output_tokens_at_most`; a policy without it prices a missing limit by `output_tokens_assumed` and sends none.',
  },
  {
    id: '55',
    asks: 'Who hangs up pays for what was made',
    tests: [[DISPATCH, 'in the middle (%s) ends the call and is settled once with what was seen']],
  },
  {
    id: '56',
    asks: 'Prompts made to look hard cannot take the dear targets',
    tests: [
      ['core/spend/limits.test.ts', 'keeps the share that was asked for'],
      ['routes/limits.test.ts', 'leaves cheap ones once it is used up'],
    ],
  },
  {
    id: '57',
    asks: 'Spend ten times the usual is stopped',
    tests: [
      ['store/unusual-spend.test.ts', 'is stopped to the end of the hour and told what is usual'],
      ['store/unusual-spend.test.ts', 'is stopped in a race too'],
      ['store/unusual-spend.test.ts', 'never makes it usual by going on'],
      ['store/unusual-spend.test.ts', 'tells by webhook once an hour'],
      ['routes/admin/unusual.test.ts', 'goes on once an admin has lifted it'],
      ['core/spend/unusual.test.ts', 'never passes ten times the usual by more than one request’s error of estimate'],
    ],
    note: 'Per organisation and key, where the organisation has it switched on (`unusual` in its limits).',
  },
  {
    id: '58',
    asks: 'Money is whole micro-dollars, never negative',
    tests: [
      ['core/spend/limits.test.ts', 'never lets what is spent and held together pass the limit of any account'],
      ['core/spend/price.test.ts', 'rounded once, half up, to a whole micro-dollar'],
    ],
  },
  // Models.
  {
    id: '59',
    asks: 'A prompt’s orders do not route',
    tests: [['core/understand/injection.test.ts', 'an order against the operator is likely one']],
    note: 'What a prompt asks for is a feature and never a name: only `model` names a target.',
  },
  {
    id: '60',
    asks: 'No model decides',
    tests: [['tidy.test.ts', '%s touches nothing outside its arguments']],
    note: 'Understanding is arithmetic in the core, which calls nobody.',
  },
  { id: '61', asks: 'No prompt of the router’s own', tests: [[INFERENCE, 'has no word of the router’s own in its prompt']] },
  // What it is made of.
  {
    id: '62',
    asks: 'Locked, few, exact dependencies without scripts',
    tests: [
      [SOURCE, 'is locked by a hash of its content'],
      [SOURCE, 'is few at run time, each at one exact version'],
      [SOURCE, 'runs no script of its own on installation'],
      [SOURCE, 'is a framework without the faults that are known of it'],
      ['security/e2e/bundle.test.ts', 'is the same, byte for byte, when it is built again'],
    ],
    note: 'Eight and not five at run time. `npm sbom` lists all; auditing needs the registry and is the operator’s.',
  },
  {
    id: '63',
    asks: 'No secret in the repository',
    tests: [
      [SOURCE, 'holds no key'],
      [SOURCE, 'would be seen to hold one'],
    ],
    note: 'Tokens to deploy with are the operator’s.',
  },
  {
    id: '64',
    asks: 'No source map, debug or test endpoint is deployed',
    tests: [['security/e2e/bundle.test.ts', 'has no source map, no test endpoint and no secret in it']],
  },
  {
    id: '65',
    asks: 'The audit log is only appended to, and tampering shows',
    tests: [
      [AUDIT, 'cannot be changed or shortened by a statement'],
      [AUDIT, 'shows %s'],
      [AUDIT, 'cannot be forged without the pepper'],
    ],
  },
  {
    id: '66',
    asks: 'Security headers on every answer',
    tests: [
      [INFERENCE, 'has the same guards on every answer'],
      [ADMIN_DOORS, 'of %s forbids keeping'],
    ],
    note: 'TLS is Cloudflare’s.',
  },
  // Hostile requests.
  {
    id: 'F105',
    asks: 'Empty, null, list, number, BOM, UTF-16, truncated',
    tests: [
      [DOORS, 'that %s is refused'],
      [DOORS, 'that is not UTF-8 is refused'],
      [JSON_TEXT, 'UTF-16, with a mark and without'],
    ],
  },
  {
    id: 'F106',
    asks: 'One byte too much, without a length, with a lie, too slow',
    tests: [
      [DOORS, 'over the limit is refused at the byte'],
      [BODY, 'is cut when its time is over'],
    ],
  },
  {
    id: 'F107',
    asks: 'Depth, keys, messages without end; a key twice',
    tests: [
      [JSON_TEXT, 'of %s are read or refused in milliseconds'],
      [JSON_TEXT, '%s is refused'],
    ],
  },
  {
    id: 'F108',
    asks: 'Prototype names',
    tests: [
      [DOORS, 'with prototype keys pollutes nothing'],
      [INFERENCE, '%j is not found, and shown back in part'],
    ],
  },
  {
    id: 'F109',
    asks: 'Numbers that are none',
    tests: [
      [INFERENCE, 'as %s: %s is refused by the field’s name'],
      [JSON_TEXT, 'a number too large to be one'],
    ],
  },
  { id: 'F110', asks: 'Models that are paths, long, emoji, templates', tests: [[INFERENCE, '%j is not found, and shown back in part']] },
  {
    id: 'F111',
    asks: 'Wrong types and sizes of fields',
    tests: [
      [DOORS, 'with %s: %s is refused by name'],
      [INFERENCE, 'as %s: %s is refused by the field’s name'],
    ],
  },
  {
    id: 'F112',
    asks: 'Headers with control codes, long, twice',
    tests: [
      [INFERENCE, 'that are sent twice in one header are none'],
      [INFERENCE, '%j in any header is no key, and reads nothing'],
    ],
  },
  {
    id: 'F113',
    asks: 'No type, text, a giant boundary',
    tests: [
      [BODY, 'must be said'],
      [BODY, 'with a boundary of a megabyte is refused'],
    ],
  },
  { id: 'F114', asks: 'Compressed requests', tests: [[BODY, '%s is refused']] },
  {
    id: 'F115',
    asks: 'Other methods, and headers that claim one',
    tests: [
      [DOORS, '%s is refused with what is allowed'],
      [INFERENCE, '%s changes none'],
    ],
  },
  {
    id: 'F116',
    asks: 'Paths with detours',
    tests: [
      [DOORS, '%s is not there'],
      [ADMIN_DOORS, '%s is not there'],
    ],
  },
]
