import { asList, asObject, asText, member, optional } from './qmp-value.ts';

/** One SchemaInfo of query-qmp-schema (qapi/introspect.json), with its members unchecked. */
type SchemaInfo = Readonly<Record<string, unknown>>;

/**
 * The QAPI schema that a QEMU tells of itself. Commands have their names; types are numbered, and the numbers differ
 * from build to build, so that everything is looked up from a command.
 */
export class QmpSchema {
  readonly #types = new Map<string, SchemaInfo>();

  /**
   * @param value what query-qmp-schema returned
   * @throws QmpError `protocol`: no list of SchemaInfo
   */
  constructor(value: unknown) {
    for (const entry of asList(value, 'query-qmp-schema')) {
      const info = asObject(entry, 'query-qmp-schema: an entry');
      this.#types.set(asText(member(info, 'name'), 'query-qmp-schema: name'), info);
    }
  }

  hasCommand(name: string): boolean {
    const info = this.#types.get(name);
    return info !== undefined && member(info, 'meta-type') === 'command';
  }

  /**
   * The member names of one branch of a command's argument union, sorted: `netdev_add`, `vhost-vdpa` gives `queues`,
   * `vhostdev` .. undefined where the command, the union or the branch is not built in.
   */
  branchMembers(command: string, branch: string): string[] | undefined {
    return this.#membersOf(command, branch)
      ?.map((one) => asText(member(one, 'name'), 'a member name'))
      .sort();
  }

  /**
   * The same members with their JSON types: `string`, `int`, `boolean`, and `other` for all that is made of these.
   */
  branchMemberTypes(command: string, branch: string): ReadonlyMap<string, string> | undefined {
    const members = this.#membersOf(command, branch);
    return (
      members && new Map(members.map((one) => [asText(member(one, 'name'), 'a member name'), this.#jsonType(one)]))
    );
  }

  #jsonType(one: SchemaInfo): string {
    const type = this.#types.get(asText(member(one, 'type'), "a member's type"));
    const json = type && member(type, 'meta-type') === 'builtin' ? member(type, 'json-type') : undefined;
    return typeof json === 'string' ? json : 'other';
  }

  #membersOf(command: string, branch: string): SchemaInfo[] | undefined {
    const union = this.#argumentOf(command);
    const variants = union && optional(member(union, 'variants'), asList, `schema of ${command}: variants`);
    for (const entry of variants ?? []) {
      const variant = asObject(entry, `schema of ${command}: a variant`);
      if (member(variant, 'case') !== branch) continue;
      const type = this.#types.get(asText(member(variant, 'type'), `schema of ${command}: a variant's type`));
      const members = asList(type && member(type, 'members'), `schema of ${command}: members of ${branch}`);
      return members.map((one) => asObject(one, 'a member'));
    }
    return undefined;
  }

  #argumentOf(command: string): SchemaInfo | undefined {
    const info = this.#types.get(command);
    const type = info && member(info, 'arg-type');
    return typeof type === 'string' ? this.#types.get(type) : undefined;
  }
}
