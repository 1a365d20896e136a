/** The other half of the fault table against the real dev server, and a caller who reads slowly. */
import { afterAll } from 'vitest'
import { ROWS_BEFORE } from './rows-before.ts'
import { ROWS_STREAM } from './rows-stream.ts'
import { startSelfSigned } from './self-signed.ts'
import { table } from './table.ts'

let signed: Awaited<ReturnType<typeof startSelfSigned>> | undefined

table([...ROWS_BEFORE, ...ROWS_STREAM], {
  urls: async () => {
    signed = await startSelfSigned()
    return { OLLAMA_URL: signed.url }
  },
})

afterAll(() => signed?.stop())
