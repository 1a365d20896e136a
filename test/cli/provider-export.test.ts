/** Providers' exports as they come: read in their own columns, and refused in words where they are something else. */
import { describe, expect, it } from 'vitest'
import { readExport } from '../../worker/cli/provider-export.ts'

describe('OpenAI', () => {
  it('usage as CSV: the buckets of a day, cached tokens inside the input', () => {
    const text = [
      'start_time,end_time,start_time_iso,end_time_iso,project_id,num_model_requests,model,input_tokens,output_tokens,input_cached_tokens',
      '1763942400,1764028800,2025-11-24T00:00:00+00:00,2025-11-25T00:00:00+00:00,proj_1,3,gpt-5-mini-2025-08-07,1000,200,800',
    ].join('\r\n')
    expect(readExport(text)).toEqual({
      provider: 'openai',
      format: 'OpenAI usage (CSV)',
      counted: [
        { day: '2025-11-24', model: 'gpt-5-mini-2025-08-07', requests: 3, input_tokens: 1000, output_tokens: 200, cost_micros: null },
      ],
    })
  })
  it('costs as CSV: by line item, which begins with the model', () => {
    const text =
      'start_time,end_time,amount_value,amount_currency,line_item\n1763942400,1764028800,0.0601234,usd,"gpt-5-mini-2025-08-07, input"\n'
    expect(readExport(text).counted).toMatchObject([
      { day: '2025-11-24', model: 'gpt-5-mini-2025-08-07', cost_micros: 60_123, input_tokens: null },
    ])
  })
  it('usage and costs as the APIs answer them, one page or a list of pages', () => {
    const usage = {
      object: 'page',
      data: [
        {
          object: 'bucket',
          start_time: 1763942400,
          results: [{ model: 'gpt-5', input_tokens: 7, output_tokens: 2, num_model_requests: 1 }],
        },
      ],
      has_more: false,
    }
    expect(readExport(JSON.stringify(usage)).counted).toMatchObject([
      { day: '2025-11-24', model: 'gpt-5', input_tokens: 7, output_tokens: 2, requests: 1 },
    ])
    const costs = { data: [{ start_time: 1763942400, results: [{ amount: { value: 0.06, currency: 'usd' }, line_item: null }] }] }
    expect(readExport(JSON.stringify([costs, costs])).counted).toMatchObject([
      { cost_micros: 60_000, model: null },
      { cost_micros: 60_000 },
    ])
  })
})

describe('Anthropic', () => {
  it('usage as CSV: fresh, written and read input are all input', () => {
    const text = [
      'usage_date_utc,model_version,api_key,workspace,usage_type,context_window,usage_input_tokens_no_cache,usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,usage_output_tokens,web_search_count,inference_geo,speed',
      '2026-08-05,claude-opus-5,"Closer, ""App""",Default,standard,≤ 200k,46981,15969,10,1000,16932,0,global,',
    ].join('\n')
    expect(readExport(`\uFEFF${text}`)).toMatchObject({
      provider: 'anthropic',
      counted: [
        { day: '2026-08-05', model: 'claude-opus-5', input_tokens: 46981 + 15969 + 10 + 1000, output_tokens: 16932, cost_micros: null },
      ],
    })
  })
  it('costs as CSV: names for people become the model', () => {
    const text = 'usage_date_utc,model,workspace,token_type,cost_usd\n2026-08-05,Claude Sonnet 4.5,Default,output_tokens,1.25\n'
    expect(readExport(text).counted).toMatchObject([{ model: 'claude-sonnet-4-5', cost_micros: 1_250_000 }])
  })
  it('usage and costs as the APIs answer them; an amount is in cents', () => {
    const usage = {
      data: [
        {
          starting_at: '2026-08-05T00:00:00Z',
          ending_at: '2026-08-06T00:00:00Z',
          results: [
            {
              model: 'claude-opus-5',
              uncached_input_tokens: 100,
              cache_read_input_tokens: 20,
              cache_creation: { ephemeral_5m_input_tokens: 3, ephemeral_1h_input_tokens: 4 },
              output_tokens: 50,
            },
          ],
        },
      ],
    }
    expect(readExport(JSON.stringify(usage)).counted).toMatchObject([{ day: '2026-08-05', input_tokens: 127, output_tokens: 50 }])
    const costs = {
      data: [{ starting_at: '2026-08-05T00:00:00Z', results: [{ amount: '123.45', currency: 'USD', model: 'claude-opus-5' }] }],
    }
    expect(readExport(JSON.stringify(costs)).counted).toMatchObject([{ cost_micros: 1_234_500 }])
  })
})

describe('what is none of them', () => {
  it.each([
    ['columns that nobody knows', 'when,who,how_much\n1,2,3\n', /columns of this file are not known here: when, who, how_much\nKnown are:/],
    ['time buckets without figures', 'start_time,end_time,start_time_iso,end_time_iso\n1,2,a,b\n', /no figures/],
    ['nothing', '', /no header line/],
    [
      'a count that is none',
      'start_time,model,input_tokens,output_tokens\n1763942400,gpt-5,many,2\n',
      /line 2: "many" in input_tokens is no number/,
    ],
    ['half a token', 'start_time,model,input_tokens,output_tokens\n1763942400,gpt-5,1.5,2\n', /line 2: 1.5 in input_tokens is no count/],
    ['a day that is none', 'usage_date_utc,cost_usd\nyesterday,1\n', /line 2: "yesterday" in usage_date_utc is no day/],
    ['a quote that never ends', 'usage_date_utc,cost_usd\n"2026-08-05,1\n', /quote that opens in line 2 is never closed/],
    ['more cells than columns', 'usage_date_utc,cost_usd\n2026-08-05,1,2\n', /line 2 has 3 cells, and the header 2/],
    ['JSON that does not parse', '{"data": [', /looks like JSON and is none/],
    ['JSON without results', '{"data": []}', /no results/],
    ['results that nobody knows', '{"data": [{"start_time": 1, "results": [{"images": 3}]}]}', /not known here: images/],
    ['one page of several', '{"has_more": true, "data": [{"start_time": 1, "results": [{"input_tokens": 1}]}]}', /one page of several/],
  ])('is refused for what it is: %s', (_, text, words) => {
    expect(() => readExport(text)).toThrow(words)
  })
})
