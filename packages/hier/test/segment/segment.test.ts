import { createRandom } from '@ddcl/core';
import { describe, expect, it } from 'vitest';
import { headings } from '../../src/segment/headings.ts';
import { segmentText } from '../../src/segment/segment-text.ts';
import { sentences } from '../../src/segment/sentences.ts';
import { windows, windowSpans } from '../../src/segment/windows.ts';

const pieces = (text: string, spans: readonly { start: number; end: number }[]): string[] =>
  spans.map(({ start, end }) => text.slice(start, end).trim());

describe('sentences', () => {
  it.each<readonly [name: string, text: string, wanted: readonly string[]]>([
    [
      'abbreviations, initials and numbers',
      'Dr. Smith met J. K. Rowling, e.g. at Fig. 2. On Jan. 3 it cost $3.50. Yes! See www.a.com. Done',
      ['Dr. Smith met J. K. Rowling, e.g. at Fig. 2.', 'On Jan. 3 it cost $3.50.', 'Yes!', 'See www.a.com.', 'Done'],
    ],
    ['what is said goes on', '"Is it so?" he asked. "No."', ['"Is it so?" he asked.', '"No."']],
    [
      'lines that were wrapped by hand, headings and items',
      'Title\nThe first line of a text that was wrapped\nby hand at its Columns. Next one.\n- an item\n- another\n\nnew one',
      [
        'Title',
        'The first line of a text that was wrapped\nby hand at its Columns.',
        'Next one.',
        '- an item',
        '- another',
        'new one',
      ],
    ],
    [
      'an indented line, whose length counts its indentation',
      'Title\n      a line of words of thirty eight let\nand the next one',
      ['Title', 'a line of words of thirty eight let\nand the next one'],
    ],
    ['numbers of items', '1. First. 2. Second.', ['1. First.', '2. Second.']],
    ['Chinese', '今天天气好。你呢？我很好。', ['今天天气好。', '你呢？', '我很好。']],
    ['one without an end', 'no end', ['no end']],
  ])('%s', (_, text, wanted) => {
    expect(pieces(text, sentences(text))).toEqual(wanted);
  });

  it('takes abbreviations of the user', () => {
    const text = 'The Gmbh. Meier and Abb. Two.';
    expect(sentences(text)).toHaveLength(3);
    expect(pieces(text, sentences(text, { abbreviations: ['Gmbh', 'abb'] }))).toEqual([text]);
  });

  it('cuts a long paragraph where the whole text would be cut, whatever the window', () => {
    const all = Array.from(
      { length: 400 },
      (_, index) => `Sentence ${index} has ${'some '.repeat(index % 37)}words in it.`,
    );
    const text = all.join(' ');
    expect(pieces(text, sentences(text))).toEqual(all);
  });

  it('takes time that grows with the text, not with its square', () => {
    const text = 'This is a sentence of words. And here is another one!  '.repeat(10_000);
    const began = process.cpuUsage();
    expect(sentences(text)).toHaveLength(20_000);
    // The segmenter alone takes minutes for 550,000 characters.
    expect(process.cpuUsage(began).user / 1e6).toBeLessThan(10);
  });

  it.each(['Dr. Smith met ', 'J. K. Lo, ', '\u3042. Dr. a\u300d\n'])(
    'takes time that grows with a sentence of many refused ends: %j',
    (end) => {
      const text = end.repeat(Math.ceil(2e6 / end.length));
      const began = process.cpuUsage();
      const found = sentences(text);
      // From the start of the sentence to each end it is 1.4e11 characters for the longest of the ends: minutes.
      expect(process.cpuUsage(began).user / 1e6).toBeLessThan(15);
      expect(found.at(-1)!.end).toBe(text.length);
    },
  );

  it('cuts no pair of surrogates', () => {
    const spans = segmentText(`a${'\u{1f600}'.repeat(20_000)}`, 'sentences');
    expect(spans.length).toBeGreaterThan(1);
    expect(spans[0]!.end).toBe(16_383);
    expect(spans.every(({ start }) => start % 2 === 1 || start === 0)).toBe(true);
  });

  it('looks back far enough for the longest abbreviation, and no word that only ends as one', () => {
    const long = 'x'.repeat(60);
    const of = (word: string): number =>
      sentences(`It is ${word}. Then`, { abbreviations: [long, '\u{1d51e}b'] }).length;
    expect([long, `${long}x`, `y${long}`, '\u{1d51e}b', '\u{1d51e}\u{1d51e}b', '1dr', 'dr', 'K', 'KK'].map(of)).toEqual(
      [1, 2, 2, 1, 2, 2, 1, 1, 2],
    );
  });
});

describe('headings', () => {
  const text =
    'lead\n# One #\ntext\n```\n# no heading\n```\nTwo\n===\n## Deep\n- item\n---\n#no\nThree *x*\n---\nend\n';
  it('are those of CommonMark', () => {
    expect(headings(text).map(({ level, title }) => [level, title])).toEqual([
      [0, ''],
      [1, 'One'],
      [1, 'Two'],
      [2, 'Deep'],
      [2, 'Three *x*'],
    ]);
    expect(pieces(text, headings(text))[1]).toBe('# One #\ntext\n```\n# no heading\n```');
  });
});

it.each([
  ['code within a line', '``` one ``` and\n# yes', ['yes']],
  ['a fence in a longer one', '````\n```\n# no\n```\n# no\n````\n# yes', ['yes']],
  ['another mark, and one with words', '~~~\n```\n# no\n~~~ x\n# no\n~~~\n# yes', ['yes']],
  ['a list', '- ```sh\n  # no\n  ```\n# yes', ['yes']],
  ['a list with wide numbers', '10. ```\n    # no\n    ```\n# yes', ['yes']],
  ['a list that ends before its fence', '- ~~~\n  # no\n# yes', ['yes']],
  ['a quote', '> ```\n> # no\n# yes', ['yes']],
  ['a blank line in it', '- ```\n\n  # no\n  ```\n# yes', ['yes']],
])('does not take code for headings: %s', (_, text, wanted) => {
  expect(headings(text).flatMap(({ level, title }) => (level > 0 ? [title] : []))).toEqual(wanted);
});

it('takes a line of a heading in time that grows with its length', () => {
  const spaces = ' '.repeat(1_000_000);
  const began = process.cpuUsage();
  expect(headings(`# a${spaces}b\n## c${spaces}#${spaces}`).map(({ title }) => title)).toEqual([`a${spaces}b`, 'c']);
  expect(process.cpuUsage(began).user / 1e6).toBeLessThan(2);
});

it.each([
  ['# a # b ##', 'a # b'],
  ['#\ta#', 'a#'],
  ['# #', ''],
  ['###', ''],
  ['# a \\#', 'a \\#'],
  ['   # a\t#\t', 'a'],
])('the title of %j is %j', (line, title) => {
  expect(headings(`${line}\n`)).toMatchObject([{ title }]);
  expect(headings(`${line}\n`)[0]!.level).toBeGreaterThan(0);
});

describe('windows', () => {
  it('overlap, and end with the items', () => {
    expect(windowSpans(10, { window: 4, overlap: 1 })).toEqual([
      { start: 0, end: 4 },
      { start: 3, end: 7 },
      { start: 6, end: 10 },
    ]);
    expect(windowSpans(3, { window: 4, overlap: 1 })).toEqual([{ start: 0, end: 3 }]);
    expect(windowSpans(0, { window: 4 })).toEqual([]);
    const text = ' one two  three four five';
    expect(windows(text, { window: 2, overlap: 1 }).map(({ start, end }) => text.slice(start, end))).toEqual([
      ' one two  ',
      'two  three ',
      'three four ',
      'four five',
    ]);
  });
});

it.each(['sentences', 'headings', { window: 3, overlap: 1 }, { window: 2 }, 'document'] as const)(
  'pieces by %j cover any text',
  (how) => {
    const random = createRandom(7);
    const alphabet = [
      'Dr. ',
      'Word ',
      'x',
      '. ',
      '.\n',
      '\n',
      '\n\n',
      ' ',
      '# H\n',
      '===\n',
      '```\n',
      '! ',
      '今天。',
      '\u{1f600}',
      'e.g. ',
    ];
    for (let trial = 0; trial < 60; trial++) {
      const text = Array.from({ length: random.integer(40) }, () => alphabet[random.integer(alphabet.length)]).join('');
      const spans = segmentText(text, how);
      if (text.trim() === '') {
        expect(spans).toEqual([]);
        continue;
      }
      let covered = 0;
      for (const { start, end } of spans) {
        expect(start).toBeLessThanOrEqual(covered);
        expect(end).toBeGreaterThan(start);
        expect(end).toBeGreaterThan(covered);
        if (typeof how === 'string' || how.window === 2) expect(start).toBe(covered);
        covered = end;
      }
      expect(covered).toBe(text.length);
    }
  },
);

describe('bad input', () => {
  it.each<readonly [what: () => unknown, message: string]>([
    [() => segmentText(3 as never, 'sentences'), 'A text to segment must be a string, but is number.'],
    [
      () => segmentText('a', 'words' as never),
      "A text is cut by 'sentences', 'headings', 'document' or windows such as { window: 128, overlap: 32 }, but \"words\" came.",
    ],
    [() => windowSpans(3, { window: 0 }), 'window must be a whole number >= 1, but is 0.'],
    [
      () => windowSpans(3, { window: 4, overlap: 4 }),
      'overlap must be a whole number from 0 to window - 1 = 3, but is 4.',
    ],
    [
      () => sentences('a', { locale: 'no such' }),
      "The locale must be a language tag such as 'en' or 'pt-BR', but is \"no such\".",
    ],
  ])('case %#', (what, message) => {
    expect(what).toThrow(expect.objectContaining({ message }));
  });
});
