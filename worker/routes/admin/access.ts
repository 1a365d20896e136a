/**
 * Cloudflare Access in front of the admin API: it lets people in by the company's own sign-in and passes a token on. The
 * token is checked here once more, since a Worker may also be reached around Access: signed by the team's keys with RS256
 * and nothing else, for this application, by this team, not expired. Who somebody is does not say what they may do; that
 * is in `ACCESS_ROLES`, and who is not in it may do nothing.
 */
import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey, jwtVerify } from 'jose'
import type { GatewayError } from '../../core/errors.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { Effects } from '../../dispatch/effects.ts'
import { ROLES, type Role } from '../../schema/admin.ts'
import type { Actor } from './route.ts'

export type Access = { team: URL; aud: string; roles: { who: string; role: Role }[] }

export const ACCESS_HEADER = 'cf-access-jwt-assertion'
/** Clocks of two data centres differ by less. */
const TOLERANCE_S = 5
/** A token of Access has about 1 kB. */
const TOKEN_CHARS = 8_192

/** The keys of the team, one set for each world: jose keeps them for ten minutes and asks again for one it does not know. */
const keys = new WeakMap<Effects, JWTVerifyGetKey>()

/**
 * `ACCESS_TEAM_DOMAIN` (https://<team>.cloudflareaccess.com), `ACCESS_AUD` (the application's audience tag) and `ACCESS_ROLES`
 * (`alice@example.com=owner, *@example.com=viewer`; a service token by its client id). Null where it is not configured.
 */
export function accessOf(variables: Record<string, string | undefined>): Access | null {
  const { ACCESS_TEAM_DOMAIN: domain, ACCESS_AUD: aud, ACCESS_ROLES: roles = '' } = variables
  if (!domain || !aud || !URL.canParse(domain)) return null
  const team = new URL(domain)
  if (team.protocol !== 'https:' || !team.hostname.endsWith('.cloudflareaccess.com')) return null
  return {
    team,
    aud,
    roles: roles.split(',').flatMap(entry => {
      const [who = '', name = ''] = entry.split('=').map(part => part.trim())
      const role = ROLES.find(each => each === name)
      return who && role ? [{ who: who.toLowerCase(), role }] : []
    }),
  }
}

export async function accessActor(token: string, access: Access, effects: Effects): Promise<Result<Actor, GatewayError>> {
  if (token.length > TOKEN_CHARS) return err({ code: 'invalid_key' })
  let who: string
  try {
    const { payload } = await jwtVerify(token, keysOf(access, effects), {
      algorithms: ['RS256'],
      issuer: access.team.origin,
      audience: access.aud,
      requiredClaims: ['exp', 'iat'],
      clockTolerance: TOLERANCE_S,
      currentDate: new Date(effects.nowMs()),
    })
    who = String(payload.email ?? payload.common_name ?? '').toLowerCase()
  } catch (error) {
    if (isOutage(error))
      return err({ code: 'keys_unavailable', message: 'the keys of Cloudflare Access could not be fetched. Try again in a moment.' })
    // Which of the checks failed is nothing that the sender has to know.
    return err({ code: 'invalid_key' })
  }
  if (!who) return err({ code: 'invalid_key' })
  const role = roleOf(who, access)
  if (!role) return err({ code: 'forbidden', message: 'Access let you in, and ACCESS_ROLES gives you no role here.' })
  return ok({ name: `access:${who}`, role, org: null })
}

/** The team's keys did not come: that says nothing about the token. */
function isOutage(error: unknown): boolean {
  if (!(error instanceof errors.JOSEError)) return true
  return [errors.JWKSTimeout.code, errors.JWKSInvalid.code, errors.JOSEError.code].includes(error.code)
}

/** One's own name before one's domain's. */
function roleOf(who: string, { roles }: Access): Role | undefined {
  const domain = `*${who.slice(who.lastIndexOf('@'))}`
  return (roles.find(entry => entry.who === who) ?? (who.includes('@') ? roles.find(entry => entry.who === domain) : undefined))?.role
}

function keysOf({ team }: Access, effects: Effects): JWTVerifyGetKey {
  let known = keys.get(effects)
  if (!known) {
    known = createRemoteJWKSet(new URL('/cdn-cgi/access/certs', team), {
      [customFetch]: (url: string, init: RequestInit) => effects.fetch('network', url, init),
    })
    keys.set(effects, known)
  }
  return known
}
