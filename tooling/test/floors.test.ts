import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../structure/entries.ts';
import { allowedImports, floors } from '../structure/floors.ts';
import { roomOf, sourceFiles, sourceImports } from '../structure/imports.ts';

/** Lines of a source file beyond which it holds two ideas. */
const mostLines = 300;

describe.each(Object.entries(floors))('%s', (folder, order) => {
  const level = new Map(order.flatMap((rooms, index) => rooms.map((room) => [room, index] as const)));

  it('has every room on a floor, and none that is gone', () => {
    expect([...new Set(sourceFiles(folder).map(roomOf))].sort()).toEqual([...level.keys()].sort());
  });

  it('imports downwards', () => {
    const upwards = sourceImports(folder)
      .filter(({ isOwn }) => isOwn)
      .filter(({ from, to }) => roomOf(from) !== roomOf(to) && !(level.get(roomOf(to))! < level.get(roomOf(from))!))
      .map(({ from, to }) => `${from} imports ${to}`);
    expect(upwards).toEqual([]);
  });
});

it.each(Object.entries(allowedImports))('%s imports of others what it may', (folder, allowed) => {
  const others = sourceImports(folder).filter(
    ({ isOwn, to }) => !isOwn && !allowed.some((name) => to === name || (name.endsWith(':') && to.startsWith(name))),
  );
  expect(others.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
});

it.each([...Object.keys(floors), 'apps/experiments'])(`%s has no file above ${mostLines} lines`, (folder) => {
  const long = sourceFiles(folder)
    // Generated.
    .filter((file) => file !== 'onnx/onnx_pb.ts')
    .map((file) => ({ file, lines: readFileSync(join(root, folder, 'src', file), 'utf8').split('\n').length - 1 }))
    .filter(({ lines }) => lines > mostLines);
  expect(long).toEqual([]);
});
