/**
 * Reads one HTTP/1.1 answer from the bytes of a socket. A raw reader, because a general client costs as much as the
 * gateways it would measure.
 */
export type Answer = {
  status: number
  /** When the first byte of the body came, by `performance.now()`. */
  first_byte_at_ms: number
  body_bytes: number
  body(): Buffer
}

export type AnswerReader = {
  answer: Answer
  /** True once the answer is whole. */
  push(bytes: Buffer): boolean
}

export function answerReader(): AnswerReader {
  const pieces: Buffer[] = []
  const answer: Answer = {
    status: 0,
    first_byte_at_ms: 0,
    body_bytes: 0,
    body: () => (pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces)),
  }
  let held: Buffer | null = null
  let chunked = false
  /** Bytes of the body, or of the chunk under way, that are still to come. */
  let left = -1
  /** Of the line end behind a chunk. */
  let skip = 0

  const take = (data: Buffer): Buffer => {
    const part = data.length <= left ? data : data.subarray(0, left)
    if (part.length > 0) {
      if (answer.body_bytes === 0) answer.first_byte_at_ms = performance.now()
      pieces.push(part)
      answer.body_bytes += part.length
      left -= part.length
    }
    return data.subarray(part.length)
  }

  const readHead = (data: Buffer, end: number) => {
    const head = data.toString('latin1', 0, end).toLowerCase()
    answer.status = Number.parseInt(head.slice(9, 12), 10)
    chunked = head.includes('\r\ntransfer-encoding: chunked')
    const length_at = head.indexOf('\r\ncontent-length:')
    left = chunked || length_at < 0 ? 0 : Number.parseInt(head.slice(length_at + 17), 10)
  }

  const push = (bytes: Buffer): boolean => {
    let data = held === null ? bytes : Buffer.concat([held, bytes])
    held = null
    if (answer.status === 0) {
      const end = data.indexOf('\r\n\r\n')
      if (end < 0) {
        held = data
        return false
      }
      readHead(data, end)
      data = data.subarray(end + 4)
    }
    if (!chunked) {
      take(data)
      return left === 0
    }
    for (;;) {
      if (left > 0) {
        data = take(data)
        if (left > 0) return false
        skip = 2
      }
      const end = data.indexOf('\r\n', skip)
      if (end < 0) {
        held = data
        return false
      }
      left = Number.parseInt(data.toString('latin1', skip, end), 16)
      if (left === 0) {
        // The line behind the last chunk; a gateway may send it apart.
        if (data.length >= end + 4) return true
        held = data
        return false
      }
      data = data.subarray(end + 2)
      skip = 0
    }
  }
  return { answer, push }
}
