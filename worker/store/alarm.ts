/** Something an operator should see: on `GET /health`, in the console, and on dry runs. Never in the way of a request. */
import type { Ms } from '../schema/units.ts'

export type Alarm = {
  /** `policy/<name>`, `catalogue/overlay`, `kv`. */
  about: string
  message: string
  line: number | null
  since_ms: Ms
}
