/**
 * Names of things. One pattern for each, so that an id can be checked wherever it enters, and none can carry a path, a
 * header or a query with it.
 */
import * as z from 'zod'

type Id<Name extends string> = string & { readonly __id?: Name }

/** `provider/model`, as in `openai/gpt-5`; the model part may have slashes of its own. */
export type TargetId = Id<'target'>
export type ProviderId = Id<'provider'>
export type PolicyName = Id<'policy'>
/** The first 16 hex digits of the SHA-256 of the policy's text. */
export type PolicyVersion = Id<'policy_version'>
/** `dec_` and a UUID. One id for the request, its decision, its reservation and its usage row. */
export type DecisionId = Id<'decision'>
/** The public part of a caller's key; the rest of the key is never stored. */
export type KeyId = Id<'key'>
export type OrgId = Id<'org'>

export const targetId = z
  .string()
  .max(200)
  .regex(/^[a-z0-9][a-z0-9-]*\/[A-Za-z0-9@][A-Za-z0-9@._:/-]*$/, 'a target id is provider/model')
export const providerId = z
  .string()
  .max(40)
  .regex(/^[a-z0-9][a-z0-9-]*$/, 'a provider id has lower-case letters, digits and dashes')
export const policyName = z
  .string()
  .max(60)
  .regex(/^[a-z0-9][a-z0-9-]*$/, 'a policy name has lower-case letters, digits and dashes')
export const decisionId = z.string().regex(/^dec_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'a decision id is dec_ and a UUID')
export const keyId = z.string().regex(/^[0-9A-Za-z]{11}$/, 'a key id has 11 letters and digits')
export const orgId = z
  .string()
  .max(60)
  .regex(/^[a-z0-9][a-z0-9-]*$/, 'an organisation id has lower-case letters, digits and dashes')
