import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';

/** What lies at a path, or undefined where nothing does or nothing can be learned. */
export const entryAt = (path: string): Promise<Stats | undefined> => stat(path).catch(() => undefined);

export const isFolder = async (path: string): Promise<boolean> => (await entryAt(path))?.isDirectory() ?? false;

export const isFile = async (path: string): Promise<boolean> => (await entryAt(path))?.isFile() ?? false;
