import { appendFile } from 'node:fs/promises';
import * as v from 'valibot';
import { checked, problemWith } from '../data/checked.ts';
import { usageError } from '../output/usage-error.ts';
import { reasonOf, writeWhole } from '../output/write-file.ts';
import { RowTable, rowSchema, scoresSchema, type CompareRow, type SeedScores } from './rows.ts';
import { readRegular } from '../output/read-file.ts';

/** A row's place in the table with what one seed reached there. */
interface Cell {
  readonly row: Omit<CompareRow, 'seeds'>;
  readonly scores: SeedScores;
}

/** Grows when rows are made another way: those of before must not stand beside them. */
const formatVersion = 3;

/** Cells that were made together, such as all outputs of one bank of prototypes. */
interface Unit {
  readonly unit: string;
  readonly cells: readonly Cell[];
}

const unitSchema: v.GenericSchema<unknown, Unit> = v.object({
  unit: v.string(),
  cells: v.array(v.object({ row: rowSchema, scores: scoresSchema })),
});

/**
 * The table while it is made. With a file, each unit of work is kept there as one line of JSON as soon as it is finished, and a
 * later run of the same comparison takes it from there; more seeds or other numbers of prototypes can be added that way.
 */
export class FinishedRows {
  readonly #table = new RowTable();
  readonly #finished: ReadonlyMap<string, readonly Cell[]>;
  readonly #path: string | undefined;

  private constructor(path: string | undefined, units: readonly Unit[]) {
    this.#path = path;
    this.#finished = new Map(units.map(({ unit, cells }) => [unit, cells]));
  }

  /** @returns a table that is kept in memory only */
  static inMemory(): FinishedRows {
    return new FinishedRows(undefined, []);
  }

  /**
   * @param comparison what all units depend on: data, encoder and settings
   * @throws DdclError `argument` for a file of another comparison, one that is none, and one that cannot be read or written
   */
  static async open(path: string, comparison: Readonly<Record<string, unknown>>): Promise<FinishedRows> {
    const first = JSON.stringify({ ddclCompare: formatVersion, ...comparison });
    let text: string;
    try {
      text = (await readRegular(path)).toString('utf8');
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ENOENT')
        throw usageError(`${path} cannot be read (${reasonOf(cause)}). Give a file for --resume.`, cause);
      await writeWhole(path, `${first}\n`);
      return new FinishedRows(path, []);
    }
    // What follows the last line break was cut off while it was written: that unit is made again.
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    const lines = whole.split('\n').slice(0, -1);
    const [own, ...parsed] = parseLines(path, lines);
    if (lines[0] !== first) {
      const reason =
        problemWith(headSchema, own) === undefined
          ? difference(own as Head, comparison)
          : 'holds no rows of ddcl compare';
      throw usageError(`${path} ${reason}. Give --resume a new file, or the data and options that it was begun with.`);
    }
    const units = parsed.map((unit, index) =>
      checked(unitSchema, unit, `${path}, line ${index + 2}`, 'Give --resume a new file, or remove the line.'),
    );
    if (whole.length < text.length) await writeWhole(path, whole);
    return new FinishedRows(path, units);
  }

  /** Makes a unit's cells, or takes them from the file. */
  async unit(name: string, make: (table: Pick<RowTable, 'add'>) => Promise<void>): Promise<void> {
    let cells = this.#finished.get(name);
    if (cells === undefined) {
      const made: Cell[] = [];
      await make({ add: (row, scores) => void made.push({ row, scores }) });
      if (this.#path !== undefined) await appendFile(this.#path, `${JSON.stringify({ unit: name, cells: made })}\n`);
      cells = made;
    }
    for (const { row, scores } of cells) this.#table.add(row, scores);
  }

  rows(): CompareRow[] {
    return this.#table.rows();
  }
}

function parseLines(path: string, lines: readonly string[]): unknown[] {
  return lines.map((line, index) => {
    try {
      return JSON.parse(line) as unknown;
    } catch (cause) {
      throw usageError(
        `${path}, line ${index + 1} is no JSON, so it holds no rows of ddcl compare, or was damaged. Give --resume a new file, or remove the line.`,
        cause,
      );
    }
  });
}

type Head = Readonly<Record<string, unknown>>;

/** The first line of a file of rows. */
const headSchema = v.looseObject({ ddclCompare: v.unknown() });

function difference(own: Head, other: Head): string {
  if (own['ddclCompare'] !== formatVersion) return 'has rows of another version of ddcl compare';
  const names = Object.keys(other).filter((name) => JSON.stringify(own[name]) !== JSON.stringify(other[name]));
  return `is of a comparison with other ${names.join(', ') || 'settings'}`;
}
