import { describe, expect, it } from 'vitest';
import { coherenceCounts, diversity } from '../../src/topics/coherence.ts';
import { topWords } from '../../src/topics/top-words.ts';
import { mergeTable, wordCounts } from '../../src/topics/word-counts.ts';
import { wordSplitter } from '../../src/topics/words.ts';

describe('words', () => {
  it.each<readonly [text: string, words: readonly string[]]>([
    ["The Cat didn't sit: 42 mp3s, state-of-the-art!", ['cat', 'sit', 'mp3s', 'state', 'art']],
    [
      'l\u2019homme \u00c9coute stra\u00dfe Ко\u0301т नमस्ते',
      ['homme', '\u00e9coute', 'stra\u00dfe', 'ко\u0301т', 'नमस्ते'],
    ],
    ['今天天气好ABCD我们去公园', ['今天', '天气', 'abcd', '我们', '公园']],
    ['한국 음식', ['한국', '음식']],
    ['', []],
  ])('%s', (text, words) => {
    expect(wordSplitter({ stopWords: ['The', "didn't", 'of'] })(text)).toEqual(words);
  });

  it('may be numbers, shorter, or of another splitter', () => {
    expect(wordSplitter({ numbers: true, minLength: 2 })('a 42 of 7')).toEqual(['42', 'of']);
    expect(wordSplitter({ split: (text) => text.split('_'), stopWords: ['b'] })('a_b_C_')).toEqual(['a', 'C']);
  });

  it('are the same however their accents are written', () => {
    const [one, two] = ['Caf\u00e9 r\u00e9sum\u00e9', 'Cafe\u0301 re\u0301sume\u0301'];
    expect(wordSplitter()(two)).toEqual(wordSplitter()(one));
    expect(wordSplitter({ stopWords: ['cafe\u0301'] })(one)).toEqual(['r\u00e9sum\u00e9']);
    expect(wordSplitter({ stopWords: ['caf\u00e9'], split: (text) => text.split(' ') })(two)).toEqual([
      'r\u00e9sum\u00e9',
    ]);
  });

  it('take time that grows with the text, not with its square', () => {
    const began = process.cpuUsage();
    const split = wordSplitter({ locale: 'zh' });
    expect(split('今天天气好我们去公园'.repeat(20_000))).toHaveLength(80_000);
    expect(split('some words in a long text '.repeat(20_000))).toHaveLength(80_000);
    expect(process.cpuUsage(began).user / 1e6).toBeLessThan(10);
  });
});

const texts = ['apple pear apple', 'pear plum', 'rocket moon rocket', 'moon apple', 'moon star'];
const topicOf = [0, 0, 1, 1, 1];

describe('class TF-IDF', () => {
  const counts = wordCounts(2);
  texts.forEach((text, index) => counts.add(text, topicOf[index]!));
  const table = counts.result();

  it('is what comes out by hand', () => {
    // Topic 0: apple 2, pear 2, plum 1, of 5 words; topic 1: rocket 2, moon 3, apple 1, star 1, of 7. A = 6.
    const [first, second] = topWords(table, { minDocuments: 1 });
    const score = (tf: number, total: number): number => tf * Math.log(1 + 6 / total);
    expect(first!.map(({ word }) => word)).toEqual(['pear', 'apple', 'plum']);
    expect(second!.map(({ word }) => word)).toEqual(['moon', 'rocket', 'star', 'apple']);
    const found = [...first!, ...second!].map((each) => each.score);
    const wanted = [
      [2 / 5, 2],
      [2 / 5, 3],
      [1 / 5, 1],
      [3 / 7, 3],
      [2 / 7, 2],
      [1 / 7, 1],
      [1 / 7, 3],
    ].map(([tf, total]) => score(tf!, total!));
    found.forEach((value, index) => expect(value).toBeCloseTo(wanted[index]!, 14));
  });

  it('leaves out words of few or too many documents, before it counts', () => {
    const [first, second] = topWords(table, { minDocuments: 2, maxShare: 0.5 });
    // pear 2, apple 2 documents; moon stands in 3 of 5. A = 5 / 2.
    expect(first!.map(({ word }) => word)).toEqual(['pear', 'apple']);
    expect(first![1]!.score).toBeCloseTo((2 / 4) * Math.log(1 + 2.5 / 3), 14);
    expect(second).toEqual([{ word: 'apple', score: Math.log(1 + 2.5 / 3) }]);
  });

  it('counts softly, and merges topics', () => {
    const soft = wordCounts(3);
    soft.add('apple apple pear', [0.5, 0.25, 0.25]);
    soft.add('pear', [0, 0, 1]);
    const merged = mergeTable(soft.result(), [[0, 2], [1]]);
    expect(merged.words).toEqual(['apple', 'pear']);
    expect([...merged.counts]).toEqual([1.5, 0.5, 1.75, 0.25]);
    expect([...merged.documentsWith]).toEqual([1, 2]);
  });

  it('keeps its vocabulary and says what was dropped', () => {
    const few = wordCounts(1, { vocabulary: 12 });
    for (let round = 0; round < 3; round++)
      for (let each = 0; each < 9; each++) few.add(`often${'abcdefghi'[each]} again${'abcdefghi'[each]}`, 0);
    // 18 words of three documents, in room for 12.
    const { words, dropped, documents, counts: kept } = few.result();
    const counted = kept.reduce((sum, count) => sum + count, 0);
    expect(words.length).toBeLessThanOrEqual(12);
    expect(documents).toBe(27);
    expect(counted + dropped.occurrences).toBe(54);
    expect(dropped.words).toBeGreaterThan(6);
    expect(Math.min(...kept) + dropped.mostMissing).toBeGreaterThanOrEqual(3);
    expect(wordCounts(1, { vocabulary: 12 }).result().dropped).toEqual({ words: 0, occurrences: 0, mostMissing: 0 });
  });
});

describe('coherence', () => {
  it('is the NPMI that comes out by hand', () => {
    const lists = [['apple', 'pear', 'plum'], ['rocket', 'moon', 'apple'], ['star']];
    const counts = coherenceCounts(lists);
    for (const text of texts) counts.add(text);
    const { topics, mean } = counts.result();
    // Of 5 documents: apple 2 (1, 4), pear 2 (1, 2), plum 1 (2), rocket 1 (3), moon 3 (3, 4, 5).
    const npmi = (a: number, b: number, both: number): number =>
      Math.log(both / 5 / ((a / 5) * (b / 5))) / -Math.log(both / 5);
    const first = (npmi(2, 2, 1) + -1 + npmi(2, 1, 1)) / 3;
    const second = (npmi(1, 3, 1) + -1 + npmi(3, 2, 1)) / 3;
    expect(topics[0]).toBeCloseTo(first, 14);
    expect(topics[1]).toBeCloseTo(second, 14);
    expect(topics[2]).toBeNaN();
    expect(mean).toBeCloseTo((first + second) / 2, 14);
  });

  it('is 1 for words that always stand together', () => {
    const counts = coherenceCounts([['one', 'two']]);
    counts.add('one two');
    counts.add('two one one');
    expect(counts.result().mean).toBe(1);
  });

  it('counts distinct words for diversity', () => {
    expect(diversity([['a', 'b'], ['b', 'c'], []])).toBe(0.75);
    expect(diversity([[]])).toBeNaN();
  });
});

it('cuts no character of a long run of Chinese in two', () => {
  const run = `\u4e00${'\u{20000}'.repeat(300)}`;
  expect(wordSplitter({ minLength: 1 })(run).join('')).toBe(run);
});

describe('bad input', () => {
  it.each<readonly [what: () => unknown, message: string]>([
    [() => wordSplitter({ minLength: 0 }), 'minLength must be a whole number >= 1, but is 0.'],
    [
      () => wordSplitter({ stopWords: 'en' }),
      "stopWords must be a list of words, but is the text 'en'. Give ['en'], or a library's list.",
    ],
    [() => wordCounts(0), 'The number of topics must be a whole number >= 1, but is 0.'],
    [() => wordCounts(2, { vocabulary: 3 }), 'vocabulary must be a whole number >= 10, but is 3.'],
    [() => wordCounts(2).add('a', 2), 'A topic is a whole number from 0 to 1, but 2 came.'],
    [() => wordCounts(2).add('a', [1]), 'A document is assigned to 2 topics, but 1 numbers came.'],
    [() => wordCounts(2).add('a', [1, NaN]), 'Assignments must be finite and >= 0, but topic 1 has NaN.'],
    [() => topWords(wordCounts(1).result(), { count: 0 }), 'count must be a whole number >= 1, but is 0.'],
    [
      () => topWords(wordCounts(1).result(), { maxShare: 0 }),
      'maxShare must be a share above 0 and at most 1, but is 0.',
    ],
  ])('case %#', (what, message) => {
    expect(what).toThrow(expect.objectContaining({ message }));
  });
});
