/** How well finds meet what is marked, by type: a find is right where it touches a marked one, or to the letter. */
type Span = { start: number; end: number }

export class Counts {
  hits = 0
  exact = 0
  found = 0
  real = 0
  right = 0
  add(truths: readonly Span[], finds: readonly Span[]): void {
    const meets = (a: Span, b: Span) => a.start < b.end && b.start < a.end
    this.real += truths.length
    this.found += finds.length
    this.hits += truths.filter(each => finds.some(find => meets(each, find))).length
    this.right += finds.filter(find => truths.some(each => meets(each, find))).length
    this.exact += finds.filter(find => truths.some(each => each.start === find.start && each.end === find.end)).length
  }
  get precision(): number {
    return this.found === 0 ? 1 : this.right / this.found
  }
  get recall(): number {
    return this.real === 0 ? 1 : this.hits / this.real
  }
  get f1(): number {
    return harmonic(this.precision, this.recall)
  }
  line(): string {
    const exact = [this.exact / Math.max(1, this.found), this.exact / Math.max(1, this.real)] as const
    const three = (value: number) => value.toFixed(3)
    return (
      `precision ${three(this.precision)} recall ${three(this.recall)} F1 ${three(this.f1)} | ` +
      `to the letter ${three(exact[0])} ${three(exact[1])} ${three(harmonic(...exact))} (${this.found} found, ${this.real} real)`
    )
  }
}

const harmonic = (a: number, b: number) => (a + b === 0 ? 0 : (2 * a * b) / (a + b))
