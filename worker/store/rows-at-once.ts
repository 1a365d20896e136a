/**
 * A statement costs more than a row, so rows are written many at once: as many as the 100 values that a statement may bind have room for.
 */
const VALUES_AT_ONCE = 100

/** `values`: of all rows, one row after the other. */
export function insertRows(sql: SqlStorage, table: string, columns: number, values: SqlStorageValue[]): void {
  const most = Math.floor(VALUES_AT_ONCE / columns) * columns
  for (let from = 0; from < values.length; from += most) {
    const some = values.length <= most ? values : values.slice(from, from + most)
    sql.exec(insertion(table, columns, some.length / columns), ...some)
  }
}

/** Statements by their table and number of rows: the platform keeps prepared what it has seen as the same text. */
const insertions = new Map<string, string>()

function insertion(table: string, columns: number, rows: number): string {
  const key = `${table}/${rows}`
  let statement = insertions.get(key)
  if (statement === undefined) {
    const row = `(${Array(columns).fill('?').join()})`
    statement = `INSERT INTO ${table} VALUES ${Array(rows).fill(row).join()}`
    insertions.set(key, statement)
  }
  return statement
}
