/**
 * Runs several searches at once whose questions are answered together: a pass over tokens answers all of them for the
 * price of one. A question is passed on when every search that still runs has asked.
 *
 * @param searches each gets `ask`, and asks one question at a time
 * @param answer answers questions that are given by the number of their search
 * @returns what the searches return, in order; rejected with the first error if one fails
 */
export async function runInLockstep<Question, Answer, Result>(
  searches: readonly ((ask: (question: Question) => Promise<Answer>) => Promise<Result>)[],
  answer: (questions: ReadonlyMap<number, Question>) => Promise<ReadonlyMap<number, Answer>>,
): Promise<Result[]> {
  interface Waiting {
    readonly question: Question;
    readonly resolve: (answer: Answer) => void;
    readonly reject: (reason: unknown) => void;
  }
  const waiting = new Map<number, Waiting>();
  let running = searches.length;
  const passOn = async (): Promise<void> => {
    if (running === 0 || waiting.size < running) return;
    const asked = new Map(waiting);
    waiting.clear();
    try {
      const answers = await answer(new Map([...asked].map(([number, { question }]) => [number, question])));
      for (const [number, { resolve }] of asked) resolve(answers.get(number)!);
    } catch (error) {
      for (const { reject } of asked.values()) reject(error);
    }
  };
  const results = await Promise.allSettled(
    searches.map(async (search, number) => {
      try {
        return await search(
          (question) =>
            new Promise<Answer>((resolve, reject) => {
              waiting.set(number, { question, resolve, reject });
              void passOn();
            }),
        );
      } finally {
        running--;
        void passOn();
      }
    }),
  );
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}
