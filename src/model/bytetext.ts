// Byte text: bytes as a text of a character each (Latin-1), for names and values that need not be UTF-8. ASCII reads as it is.

export function byteText({ buffer, byteOffset, length }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, length).toString("latin1");
}

/** The bytes again. */
export function bytesOfText(text: string): Uint8Array<ArrayBuffer> {
  return Buffer.from(text, "latin1");
}
