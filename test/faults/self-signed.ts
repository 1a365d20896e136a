/**
 * A server whose certificate nobody has signed but itself: what a provider looks like whose certificate ran out, or one in whose
 * place somebody else answers. The certificate is made on the spot, so that no private key lies in the repository.
 */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { createServer } from 'node:https'

/** A DER value: a tag, a length, what it holds. */
function der(tag: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  const length = body.length < 128 ? Buffer.of(body.length) : Buffer.of(0x82, body.length >> 8, body.length & 0xff)
  return Buffer.concat([Buffer.of(tag), length, body])
}
const sequence = (...parts: Buffer[]) => der(0x30, ...parts)
/** sha256WithRSAEncryption, 1.2.840.113549.1.1.11 */
const ALGORITHM = sequence(der(0x06, Buffer.from('2a864886f70d01010b', 'hex')), der(0x05))
/** commonName, 2.5.4.3 */
const NAME = sequence(der(0x31, sequence(der(0x06, Buffer.from('550403', 'hex')), der(0x0c, Buffer.from('localhost')))))

function certificate(publicKey: KeyObject, privateKey: KeyObject): string {
  const time = (text: string) => der(0x17, Buffer.from(text))
  const body = sequence(
    der(0x02, Buffer.of(1)),
    ALGORITHM,
    NAME,
    sequence(time('200101000000Z'), time('491231235959Z')),
    NAME,
    publicKey.export({ type: 'spki', format: 'der' }),
  )
  const signature = der(0x03, Buffer.of(0), sign('sha256', body, privateKey))
  const text = sequence(body, ALGORITHM, signature).toString('base64')
  return `-----BEGIN CERTIFICATE-----\n${text.match(/.{1,64}/g)?.join('\n')}\n-----END CERTIFICATE-----\n`
}

/** Listens on loopback; `asked` counts the requests that got through, of which there should be none. */
export async function startSelfSigned(): Promise<{ url: string; asked(): number; stop(): Promise<void> }> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  let asked = 0
  const server = createServer(
    { cert: certificate(publicKey, privateKey), key: privateKey.export({ type: 'pkcs8', format: 'pem' }) },
    (_, reply) => {
      asked++
      reply.end('{}')
    },
  )
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    url: `https://localhost:${address.port}/v1`,
    asked: () => asked,
    stop: () => new Promise(resolve => server.close(() => resolve())),
  }
}
