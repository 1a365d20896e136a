/** What is in `test/fixtures` is somebody's answer, or said here to be none. */
import { describe, expect, it } from 'vitest'
import { formatOfEvent, formatOfReply, REPLIES, STREAMS, whole } from './recordings.ts'

describe('recordings', () => {
  it('that are streams are all in a format that is known', () => {
    expect(STREAMS.filter(({ from }) => from === null).map(({ path }) => path)).toEqual([])
    expect(new Set(STREAMS.map(({ from }) => from)).size).toBe(6)
  })
  it('that are whole are answers, or errors', () => {
    const others = REPLIES.filter(({ from }) => from === null).map(({ path }) => path)
    expect(others.filter(path => whole(path).error === undefined)).toEqual([])
    expect(others.length).toBeGreaterThan(0)
  })
  it('are told apart by what they hold', () => {
    expect(formatOfEvent({ type: 'response.tomorrow' })).toBe('openai-responses')
    expect(formatOfEvent({ type: 'error', error: {} })).toBe(null)
    expect(formatOfEvent({ object: 'text_completion', choices: [{ text: 'x' }] })).toBe(null)
    expect(formatOfReply({ choices: [{ text: 'x' }] })).toBe(null)
    expect(formatOfReply({ object: 'list', data: [] })).toBe(null)
  })
})
