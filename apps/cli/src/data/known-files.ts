import { changeOf, type FileState } from '../output/file-state.ts';
import { changedError } from './data-error.ts';

/** Files and folders as they were when they were first looked at, for those that are opened again, by their names, for each pass. */
export class KnownFiles {
  readonly #files = new Map<string, FileState>();
  readonly #folders = new Map<string, ReadonlySet<string>>();

  /** @throws DdclError `data` for a file that is not as it was */
  checkFile(file: string, now: FileState): void {
    const before = this.#files.get(file);
    const change = before && changeOf(before, now);
    if (change !== undefined) throw changedError(file, change);
    this.#files.set(file, now);
  }

  /**
   * @param names of the files in it that are read, in their order
   * @throws DdclError `data` for a folder with other files
   */
  checkFolder(folder: string, names: readonly string[]): void {
    const before = this.#folders.get(folder);
    const now = new Set(names);
    const added = before && names.find((name) => !before.has(name));
    const gone = before && [...before].find((name) => !now.has(name));
    if (added !== undefined) throw changedError(folder, `${JSON.stringify(added)} came into it`);
    if (gone !== undefined) throw changedError(folder, `${JSON.stringify(gone)} is gone`);
    this.#folders.set(folder, now);
  }
}
