// Stands in place of `src/server.ts` in a thread: serves nothing, and takes a word on a channel for being ready for that.
export const WORD = "serie held serving";

export async function prepare(): Promise<void> {
  const word = new BroadcastChannel(WORD);
  await new Promise((resolve) => {
    word.onmessage = resolve;
  });
  word.close();
}

export const serve = () => ({ stop: async () => undefined });
