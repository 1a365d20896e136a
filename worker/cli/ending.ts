/**
 * How a command ends: exit code 1 where it says so or stops with a sentence, and a stack only for what is our own fault.
 */

/** Ends a command with a sentence for the operator. */
export class Stop extends Error {}

/** What citty hands to a command, as far as it is looked at here. */
type Given = { rawArgs: string[]; cmd: { args?: unknown } }

/** Runs a command; its exit code is 1 where it gives false or stops. */
export async function ending(given: Given, run: () => Promise<boolean> | boolean): Promise<void> {
  try {
    refuseUnknownFlags(given)
    if (!(await run())) process.exitCode = 1
  } catch (error) {
    if (!(error instanceof Stop)) throw error
    process.stderr.write(`signalbox: ${error.message}\n`)
    process.exitCode = 1
  }
}

/** The parser takes any flag; but a misspelt `--remote` would push somewhere else than was meant, and in silence. */
function refuseUnknownFlags({ rawArgs, cmd }: Given): void {
  const known = Object.keys((cmd.args ?? {}) as object)
  const end = rawArgs.indexOf('--')
  for (const arg of end < 0 ? rawArgs : rawArgs.slice(0, end)) {
    const flag = /^--(?:no-)?([a-z-]+)/.exec(arg)?.[1]
    if (flag !== undefined && !known.includes(flag))
      throw new Stop(`there is no --${flag} here; there are ${known.map(name => `--${name}`).join(', ')}`)
  }
}
