/**
 * Secrets of the Worker that are replaced now and then without a break. `NAME` is the first, `NAME_2` the second and so on; what
 * was made under one says its number, so that the old and the new are good beside each other. What is new is made under the one with
 * the highest number.
 */

/** Fewer characters than this could be guessed. `openssl rand -base64 32` gives 44. */
export const SECRET_CHARS_AT_LEAST = 32

type Variables = Record<string, unknown>

/** `number` 1 is `name` itself. Null where it is missing or too short. */
export function numberedSecret(name: string, number: string, variables: Variables): string | null {
  const secret = variables[number === '1' ? name : `${name}_${number}`]
  return typeof secret === 'string' && secret.length >= SECRET_CHARS_AT_LEAST ? secret : null
}

/** Null where there is none. */
export function newestSecret(name: string, variables: Variables): { number: string; secret: string } | null {
  let number = 1
  while (variables[`${name}_${number + 1}`] !== undefined) number += 1
  const secret = numberedSecret(name, String(number), variables)
  return secret === null ? null : { number: String(number), secret }
}
