import { describe, expect, it } from 'vitest';
import { resolveSpec, type HierarchySpec } from '@ddcl/hier';

const refused = (spec: HierarchySpec): string => {
  try {
    resolveSpec(spec);
  } catch (error) {
    return (error as Error).message;
  }
  return 'nothing was thrown';
};

describe('levels as data', () => {
  it('fills in names, widths and what is passed', () => {
    const [token, sentence, document] = resolveSpec({
      dimension: 384,
      levels: [
        { prototypes: 32, group: 'sentence' },
        { prototypes: 8, pass: { what: 'occupancy' } },
        { prototypes: 20 },
      ],
    });
    expect(token).toMatchObject({ name: 'token', width: 384, weight: 1, temperature: 'auto' });
    expect(token!.up).toEqual({
      group: 'sentence',
      what: 'residuals',
      numbers: 33 * 384,
      project: 64,
      normalize: true,
    });
    expect(sentence).toMatchObject({ name: 'level 2', width: 64 });
    expect(sentence!.up).toMatchObject({ group: 'document', numbers: 8, project: undefined, normalize: false });
    expect(document).toMatchObject({ name: 'document', width: 8, up: undefined });
  });

  it.each<[string, HierarchySpec]>([
    ['levels must be a list of at least one level, but is a list of 0.', { dimension: 4, levels: [] }],
    ['dimension must be a whole number >= 1, but is 0.', { dimension: 0, levels: [{ prototypes: 2 }] }],
    [
      "prototypes of level 'document' must be a whole number >= 1, but is 2.5.",
      { dimension: 4, levels: [{ prototypes: 2.5 }] },
    ],
    [
      "Two levels are named 'x'. Give each its own name.",
      {
        dimension: 4,
        levels: [
          { name: 'x', prototypes: 2 },
          { name: 'x', prototypes: 2 },
        ],
      },
    ],
    [
      "Level 'document' is the last, so it passes nothing on, but it has group. Leave that out, or add a level.",
      { dimension: 4, levels: [{ prototypes: 2, group: 'sentence' }] },
    ],
    [
      "pass.project of level 'token' is 13, but a group has 12 numbers. Give at most 12, or null for all as they are.",
      { dimension: 4, levels: [{ prototypes: 2, pass: { project: 13 } }, { prototypes: 2 }] },
    ],
    [
      "pass.what of level 'token' must be residuals, summaries, pooled, occupancy, but is 'sums'.",
      { dimension: 4, levels: [{ prototypes: 2, pass: { what: 'sums' as 'residuals' } }, { prototypes: 2 }] },
    ],
    [
      "weight of level 'token' must be a number > 0, but is 0.",
      { dimension: 4, levels: [{ prototypes: 2, weight: 0 }, { prototypes: 2 }] },
    ],
    [
      "rate of level 'token' must be a number > 0 and <= 1, but is 2.",
      { dimension: 4, levels: [{ prototypes: 2, rate: 2 }, { prototypes: 2 }] },
    ],
    [
      "Level 1 has no 'temprature'. Known are: name, prototypes, temperature, weight, rate, group, pass.",
      { dimension: 4, levels: [{ prototypes: 2, temprature: 1 } as { prototypes: number }] },
    ],
    [
      "pass of level 'token' has no 'normalise'. Known are: what, project, normalize.",
      { dimension: 4, levels: [{ prototypes: 2, pass: { normalise: true } as object }, { prototypes: 2 }] },
    ],
    [
      "The spec has no 'level'. Known are: levels, dimension, encoder.",
      { dimension: 4, levels: [{ prototypes: 2 }], level: 1 } as HierarchySpec,
    ],
    [
      "encoder.hash must be a text, but is ''.",
      { dimension: 4, levels: [{ prototypes: 2 }], encoder: { name: 'e', hash: '' } },
    ],
  ])('refuses: %s', (message, spec) => expect(refused(spec)).toBe(message));
});
