// What a statement that writes rows (SELECT ... INTO) asks of the database that runs it.

/** Where rows go; both exist. */
export interface BatchTarget {
  readonly database: string;
  readonly retentionPolicy: string;
}

export interface BatchWriter {
  /**
   * Stores the rows of a WriteBatch (batch.ts), durable when resolved.
   * @throws InputError "partial write: ..." when some rows have no place in the fields' types; the others are stored.
   */
  write(batch: Uint8Array, rows: number, target: BatchTarget): Promise<void>;
}
