/**
 * `signalbox completion bash|zsh`: a script for the shell, made from the commands themselves.
 *
 *   source <(npx signalbox completion bash)
 */
import { type CommandDef, defineCommand } from 'citty'
import { ending, Stop } from './ending.ts'

/** What may follow a path of commands: further commands, then flags. */
type Words = Map<string, string[]>
type Lazy<T> = T | Promise<T> | (() => T) | (() => Promise<T>)

const now = async <T>(value: Lazy<T>): Promise<T> => (typeof value === 'function' ? (value as () => T | Promise<T>)() : value)

/** `root`: the whole tree, handed in since this command is part of it. */
export const completion = (root: () => CommandDef) =>
  defineCommand({
    meta: { name: 'completion', description: 'A completion script for bash or zsh.' },
    args: { shell: { type: 'positional', required: true, description: 'bash or zsh' } },
    run: given =>
      ending(given, async () => {
        const { shell } = given.args
        if (shell !== 'bash' && shell !== 'zsh') throw new Stop(`there is a completion for bash and for zsh, not for "${shell}"`)
        const words: Words = new Map()
        await gather(root(), '', words)
        process.stdout.write(script(words, shell))
        return true
      }),
  })

async function gather(command: CommandDef, path: string, words: Words): Promise<void> {
  const subs = Object.entries((await now(command.subCommands ?? {})) as Record<string, Lazy<CommandDef>>)
  const args = Object.entries((await now(command.args ?? {})) as Record<string, { type?: string }>)
  const flags = args.filter(([, arg]) => arg.type !== 'positional').map(([name]) => `--${name}`)
  words.set(path, [...subs.map(([name]) => name), ...flags])
  for (const [name, sub] of subs) await gather(await now(sub), `${path} ${name}`, words)
}

/** zsh runs bash's by its own `bashcompinit`. Names are letters and dashes, so nothing has to be quoted. */
function script(words: Words, shell: 'bash' | 'zsh'): string {
  const paths = [...words.keys()].filter(Boolean)
  const cases = [...words].map(([path, next]) => `    "${path}") words="${next.join(' ')}" ;;`)
  return `${shell === 'zsh' ? 'autoload -U +X compinit bashcompinit && compinit && bashcompinit\n' : ''}_signalbox() {
  local path="" words="" word i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    case "$path $word" in
      ${paths.map(path => `"${path}"`).join('|')}) path="$path $word" ;;
    esac
  done
  case "$path" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _signalbox signalbox
`
}
