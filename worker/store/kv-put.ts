/**
 * Writing to KV from the admin API. KV takes one write a second for a key; an admin who changes something twice in a row
 * should not have to know that.
 */
import type { Ms } from '../schema/units.ts'

const AGAIN_AFTER_MS: Ms = 1_100

export async function putKv(kv: KVNamespace, name: string, text: string, options: KVNamespacePutOptions = {}): Promise<void> {
  try {
    await kv.put(name, text, options)
  } catch {
    // Whatever it was, it is met again if it did not pass.
    await scheduler.wait(AGAIN_AFTER_MS)
    await kv.put(name, text, options)
  }
}
