/** A flag without which a training script has nothing to work on: said in one line, and no stack. */
export function needed(name: string, value: string | undefined): string {
  if (value !== undefined) return value
  console.error(`--${name} is needed: the folder with the graded sets and labelled prompts that README.md lists`)
  process.exit(1)
}
