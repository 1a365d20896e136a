#!/usr/bin/env node
/**
 * Starts the CLI on a Node that reads TypeScript: this one where it does, else the one that `npm ci` put beside us. Plain
 * JavaScript, since an older Node must be able to read it. (Node reads types away from 22.18 on; the machine's own may be 20.)
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major > 22 || (major === 22 && minor >= 18)) {
  await import('./signalbox.ts')
} else {
  const node = bundledNode()
  if (!node) {
    console.error(
      `signalbox needs Node 22.18 or newer; this is ${process.versions.node}. Run "npm ci" in the checkout, or use a newer Node.`,
    )
    process.exit(1)
  }
  const cli = fileURLToPath(new URL('signalbox.ts', import.meta.url))
  const { status, signal } = spawnSync(node, [cli, ...process.argv.slice(2)], { stdio: 'inherit' })
  process.exit(signal ? 1 : (status ?? 1))
}

/** The optional dependency that carries Node 24 for this platform; undefined where there is none. */
function bundledNode() {
  try {
    const manifest = createRequire(import.meta.url).resolve(`node-${process.platform}-${process.arch}/package.json`)
    const node = manifest.replace(/package\.json$/, 'bin/node')
    return existsSync(node) ? node : undefined
  } catch {
    // Not installed: another platform, or --omit=optional.
    return undefined
  }
}
