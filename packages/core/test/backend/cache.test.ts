import { describe, expect, it } from 'vitest';
import { BoundedCache } from '../../src/backend/cache.ts';

function watched(capacity: number): { cache: BoundedCache<string>; evicted: string[] } {
  const evicted: string[] = [];
  return { cache: new BoundedCache<string>(capacity, (value) => evicted.push(value)), evicted };
}

describe('BoundedCache', () => {
  it('forgets what was used longest ago', () => {
    const { cache, evicted } = watched(2);
    cache.set('a', 'A');
    cache.set('b', 'B');
    expect(cache.get('a')).toBe('A');
    cache.set('c', 'C');
    expect([cache.get('a'), cache.get('b'), cache.get('c')]).toEqual(['A', undefined, 'C']);
    expect(evicted).toEqual(['B']);
    expect(cache.size).toBe(2);
  });

  it('counts setting again as use, and evicts what is replaced by another', () => {
    const { cache, evicted } = watched(2);
    cache.set('a', 'A');
    cache.set('b', 'B');
    cache.set('a', 'A');
    expect(evicted).toEqual([]);
    cache.set('a', 'A2');
    expect(evicted).toEqual(['A']);
    cache.set('c', 'C');
    expect(evicted).toEqual(['A', 'B']);
    expect(cache.get('a')).toBe('A2');
  });

  it('evicts everything once when cleared', () => {
    const { cache, evicted } = watched(3);
    for (const name of ['A', 'B']) cache.set(name.toLowerCase(), name);
    cache.clear();
    cache.clear();
    expect(evicted).toEqual(['A', 'B']);
    expect([cache.size, cache.get('a')]).toEqual([0, undefined]);
  });

  it('holds nothing with a capacity of 0', () => {
    const { cache, evicted } = watched(0);
    cache.set('a', 'A');
    expect([cache.size, evicted]).toEqual([0, ['A']]);
  });
});
