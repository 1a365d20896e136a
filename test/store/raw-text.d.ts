/** A file as text, by Vite's `?raw`. */
declare module '*?raw' {
  const text: string
  export default text
}
