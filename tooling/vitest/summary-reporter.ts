import type { Reporter, TestModule } from 'vitest/node';

/** Ends a run with one plain line of counts, for machines that read logs; a run without any test fails. */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const counts = { passed: 0, failed: 0, skipped: 0 };
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed' || state === 'failed' || state === 'skipped') counts[state]++;
      }
      // A file that cannot be loaded has no tests, but it is a failure.
      if (module.state() === 'failed' && [...module.children.allTests('failed')].length === 0) counts.failed++;
    }
    const { passed, failed, skipped } = counts;
    if (passed + failed === 0) process.exitCode = 1;
    const text = `${passed} passed, ${failed + errors.length} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
    // After vitest's own summary, which is written when this event ends.
    process.on('exit', () => process.stdout.write(`${text}\n`));
  }
}
