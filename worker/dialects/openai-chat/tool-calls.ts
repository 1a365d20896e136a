/**
 * Tool calls in a stream, where providers differ most. OpenAI numbers them and sends each in fragments; some leave the number out,
 * or number every call 0 and change only its id; some send the name late. It is settled here once: a neutral call has its
 * own index, starts once with its id and name, and its fragments follow as they arrive, untouched.
 */
import type { Json, StreamEvent } from '../../schema/chat.ts'
import { isObject } from '../check.ts'

/** A call under way: `id` as the provider gave it, and what came of its arguments before its name did. */
type Call = { index: number; id: string; name: string; waiting: string }
type Calls = { by_wire_index: Map<number, Call>; started: number }

export type ToolCalls = {
  /** One entry of `delta.tool_calls`, at `position` in its list. */
  read(raw: Json, position: number, choice: number, out: StreamEvent[]): void
  /** The choice has ended, and its calls with it. */
  end(choice: number, out: StreamEvent[]): void
}

export function toolCalls(): ToolCalls {
  const choices = new Map<number, Calls>()

  function read(raw: Json, position: number, choice: number, out: StreamEvent[]): void {
    if (!isObject(raw)) return
    if (typeof raw.type === 'string' && raw.type !== 'function') {
      out.push({ type: 'other', dialect: 'openai-chat', value: { choices: [{ index: choice, delta: { tool_calls: [raw] } }] } })
      return
    }
    const calls = callsOf(choice)
    const wire_index = typeof raw.index === 'number' ? raw.index : position
    const called = isObject(raw.function) ? raw.function : {}
    const id = typeof raw.id === 'string' ? raw.id : ''
    let call = calls.by_wire_index.get(wire_index)
    // Another id under the same number is another call.
    if (!call || (id !== '' && call.id !== '' && id !== call.id)) {
      if (call) endCall(call, choice, out)
      call = { index: calls.started++, id, name: '', waiting: '' }
      calls.by_wire_index.set(wire_index, call)
    }
    const fragment =
      typeof called.arguments === 'string' ? called.arguments : isObject(called.arguments) ? JSON.stringify(called.arguments) : ''
    if (call.name === '') {
      if (call.id === '') call.id = id
      if (typeof called.name === 'string' && called.name !== '') startCall(call, called.name, choice, out)
      else {
        call.waiting += fragment
        return
      }
    }
    if (fragment !== '') out.push({ type: 'tool_call_arguments', choice, index: call.index, fragment })
  }

  function startCall(call: Call, name: string, choice: number, out: StreamEvent[]): void {
    call.name = name
    // Clients answer a call by its id; a provider that gives none gets one made from its place.
    if (call.id === '') call.id = `call_${choice}_${call.index}`
    out.push({ type: 'tool_call_start', choice, index: call.index, id: call.id, name })
    if (call.waiting !== '') out.push({ type: 'tool_call_arguments', choice, index: call.index, fragment: call.waiting })
    call.waiting = ''
  }

  function endCall(call: Call, choice: number, out: StreamEvent[]): void {
    if (call.name !== '') out.push({ type: 'tool_call_end', choice, index: call.index })
  }

  function end(choice: number, out: StreamEvent[]): void {
    const calls = callsOf(choice)
    for (const call of calls.by_wire_index.values()) endCall(call, choice, out)
    calls.by_wire_index.clear()
  }

  function callsOf(choice: number): Calls {
    const known = choices.get(choice)
    if (known) return known
    const calls: Calls = { by_wire_index: new Map(), started: 0 }
    choices.set(choice, calls)
    return calls
  }

  return { read, end }
}
