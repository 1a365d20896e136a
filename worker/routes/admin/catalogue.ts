/**
 * The catalogue overlay: what an operator lays over the bundled catalogue. Only an owner writes it, since it says where
 * providers' credentials are sent.
 */
import * as z from 'zod'
import { overlayProblems } from '../../core/decide/overlay-check.ts'
import { err, ok } from '../../core/result.ts'
import { catalogueOverlay } from '../../schema/catalogue.ts'
import { BUNDLED, overlaid } from '../../store/catalogue.ts'
import { deleteOverlay, putOverlay, storedOverlay } from '../../store/catalogue-overlay.ts'
import { textVersion } from '../../store/text-version.ts'
import { change } from './change.ts'
import { type Route, route } from './route.ts'

const PATH = '/admin/v1/catalogue/overlay'
const SUBJECT = 'catalogue/overlay'
const stored = () => z.strictObject({ version: z.string().nullable(), overlay: catalogueOverlay.nullable() })

export const CATALOGUE_ROUTES: Route[] = [
  route({
    id: 'catalogue.get',
    method: 'GET',
    path: PATH,
    role: 'viewer',
    reach: 'router',
    summary: 'What lies over the bundled catalogue; null where nothing does',
    answer: stored,
    async handle({ world }) {
      const found = await storedOverlay(world.env.KV)
      return ok({ version: found && (await textVersion(found.text)), overlay: found?.overlay ?? null })
    },
  }),
  route({
    id: 'catalogue.put',
    method: 'PUT',
    path: PATH,
    role: 'owner',
    reach: 'router',
    summary: 'Checks an overlay and puts it in force; running isolates take it up within seconds to a minute',
    body: () => catalogueOverlay,
    answer: stored,
    async handle(call) {
      const overlay = call.body
      const problems = overlayProblems(BUNDLED, overlay, overlaid(BUNDLED, overlay))
      if (problems.length > 0) return err({ code: 'invalid_request', param: '', message: problems.join('; ') })
      const before = await storedOverlay(call.world.env.KV)
      const text = JSON.stringify(overlay)
      const detail = {
        providers: overlay.providers.map(each => each.id),
        targets: overlay.targets.map(each => each.id),
        without: overlay.without,
      }
      const done = await change(call, { subject: SUBJECT, org: null, before: before?.text ?? null, after: text, detail }, () =>
        putOverlay(call.world.env.KV, overlay),
      )
      return done.ok ? ok({ version: await textVersion(text), overlay }) : done
    },
  }),
  route({
    id: 'catalogue.delete',
    method: 'DELETE',
    path: PATH,
    role: 'owner',
    reach: 'router',
    summary: 'Takes the overlay away; the bundled catalogue is in force again',
    answer: stored,
    async handle(call) {
      const before = await storedOverlay(call.world.env.KV)
      if (!before) return err({ code: 'resource_not_found', kind: 'overlay', id: SUBJECT })
      const done = await change(call, { subject: SUBJECT, org: null, before: before.text, after: null, detail: {} }, () =>
        deleteOverlay(call.world.env.KV),
      )
      return done.ok ? ok({ version: null, overlay: null }) : done
    },
  }),
]
