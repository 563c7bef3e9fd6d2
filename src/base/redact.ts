// URLs for people to read: without the passwords that they may carry.

/** Go's, too: what is left is a URL that clients can read. */
const MASK = "xxxxx";

/** URLs anywhere in a text; a password goes up to the last `@` before the path. Spaces, quotes and brackets end a URL. */
const inText = /([a-z][a-z0-9+.-]*:\/\/[^\s"'<>/?#:@]*):[^\s"'<>/?#]*@/gi;
const parameterInText = /([?&](?:p|pass|password|token)=)[^\s"'<>&#]+/gi;

/** The text with `xxxxx` in the place of passwords in URLs: of users (`http://user:password@host`) and of parameters (`p=...`). */
export function withoutPasswords(text: string): string {
  if (!text.includes("://")) return text;
  return text.replace(inText, `$1:${MASK}@`).replace(parameterInText, `$1${MASK}`);
}

/** `withoutPasswords` of what should be one URL, and if it is none takes everything from the user's name to the last `@`. */
export function urlWithoutPassword(url: string): string {
  const isUrl = URL.canParse(url) && !/[\s"'<>]/.test(url);
  return isUrl ? withoutPasswords(url) : withoutPasswords(url.replace(/(:\/\/[^:@]*):.*@/s, `$1:${MASK}@`));
}
