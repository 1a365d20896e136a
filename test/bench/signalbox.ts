import type { Contender } from './contenders.ts'
export const SIGNALBOX: Contender[] = []
