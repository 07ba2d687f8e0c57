import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Runs projects in the order of the configuration, not of their names; within a project what took longest the last time comes first. */
export default class ProjectOrder extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const place = ({ project }: TestSpecification): number => this.ctx.projects.indexOf(project);
    return sorted.sort((a, b) => place(a) - place(b));
  }
}
