import { createRandom } from '@ddcl/core';
import { writeTinyBert } from '../../../../tooling/tiny-bert/write-tiny-bert.ts';
import type { TinyBertOptions } from '../../../../tooling/tiny-bert/tiny-bert.ts';
import { expect } from 'vitest';
import { ddcl, ddclInTurn, ddclProcess, type RunOptions, type TestFolder } from './support.ts';

/** A small encoder with random weights in the test's folder. */
export async function writeEncoder(folder: TestFolder, name = 'encoder', options?: TinyBertOptions): Promise<string> {
  await writeTinyBert(folder.at(name), options);
  return folder.at(name);
}

const topics = {
  nature: ['river', 'stone', 'light', 'the', 'rivers', 'stones'],
  art: ['film', 'music', 'good', 'bad', 'films', 'a'],
};

/** Short texts of two classes as JSON lines; one has no text. */
export function reviews(count: number): string {
  const random = createRandom(5);
  const lines = Array.from({ length: count }, (_, index) => {
    const topic = index % 2 === 0 ? 'nature' : 'art';
    const words = topics[topic];
    const length = index === 3 ? 0 : 1 + Math.floor(random.uniform() * 9);
    const text = Array.from({ length }, () => words[Math.floor(random.uniform() * words.length)]).join(' ');
    return JSON.stringify({ id: index, text, topic });
  });
  return `${lines.join('\n')}\n`;
}

/** Runs `ddcl --json`, which must succeed; text says its counts on stderr. With options, in a process of its own. */
export async function runJson<T>(args: readonly string[], options?: RunOptions): Promise<T & { stderr: string }> {
  const run = options === undefined ? ddcl : ddclProcess;
  const { status, stdout, stderr } = await run([...args, '--json'], options);
  if (status !== 0) throw new Error(`ddcl ${args.join(' ')}: exit status ${status}\n${stderr}`);
  return { ...(JSON.parse(stdout) as T), stderr };
}

/** Runs commands, of which each must refuse in one line that matches. */
export async function requireRefusals(
  commands: readonly (readonly [args: readonly string[], message: RegExp])[],
): Promise<void> {
  const ended = await ddclInTurn(commands.map(([args]) => args));
  for (const [index, [args, message]] of commands.entries()) {
    const { status, stdout, stderr } = ended[index]!;
    const what = `ddcl ${args.join(' ')}`;
    expect([status, stdout], `${what}\n${stderr}`).toEqual([2, '']);
    expect(stderr, what).toMatch(message);
    // Only the counts of the text may come before it.
    expect(stderr.trimEnd().replace(/^\d+ documents, .*\n/, ''), what).not.toContain('\n');
  }
}

/** Runs commands, of which each must succeed, and returns what they print with `--json`. */
export async function runAll<T>(commands: readonly (readonly string[])[]): Promise<(T & { stderr: string })[]> {
  const ended = await ddclInTurn(commands.map((args) => [...args, '--json']));
  return ended.map(({ status, stdout, stderr }, index) => {
    if (status !== 0) throw new Error(`ddcl ${commands[index]!.join(' ')}: exit status ${status}\n${stderr}`);
    return { ...(JSON.parse(stdout) as T), stderr };
  });
}
