import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { createRandom, DdclError } from '@ddcl/core';
import Papa from 'papaparse';

/** The catalogue of 21 March 2019: numeric columns by name, and the class of each object. */
export interface Catalogue {
  readonly objects: number;
  readonly labels: readonly string[];
  column(name: string): Float64Array;
}

/** The data folder: DDCL_DATA, or the one beside the checkout. */
export function dataFolder(): string {
  const folder = process.env['DDCL_DATA'] ?? join(import.meta.dirname, '../../../../shared/data');
  if (existsSync(folder)) return folder;
  throw new DdclError(
    'argument',
    `There is no data folder ${folder}. Set DDCL_DATA to a folder that has space_objects.`,
  );
}

export function readCatalogue(folder: string = dataFolder()): Catalogue {
  const text = gunzipSync(readFileSync(join(folder, 'space_objects', 'objects_2019-03-21.csv.gz'))).toString('utf8');
  const { data } = Papa.parse<Record<string, string>>(text, { header: true, skipEmptyLines: true });
  return catalogueOf(data);
}

function catalogueOf(rows: readonly Record<string, string>[]): Catalogue {
  return {
    objects: rows.length,
    labels: rows.map((row) => row['orbit_class']!),
    column: (name) => Float64Array.from(rows, (row) => Number(row[name])),
  };
}

/** Row numbers of a sample with equally many objects of each class, in stored order; the smallest class is taken whole. */
export function balancedRows(labels: readonly string[], seed: number): number[] {
  const members = new Map<string, number[]>();
  labels.forEach((label, row) => {
    const rows = members.get(label);
    if (rows === undefined) members.set(label, [row]);
    else rows.push(row);
  });
  const size = Math.min(...[...members.values()].map((rows) => rows.length));
  const random = createRandom(seed);
  return [...members.entries()]
    .flatMap(([label, rows]) => {
      const order = random.fork(label).permutation(rows.length);
      return Array.from(order.subarray(0, size), (place) => rows[place]!);
    })
    .sort((a, b) => a - b);
}
