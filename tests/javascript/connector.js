// A source in JavaScript: six people out of nothing. A failure is thrown, in the contract's shape.

import { write } from 'provisor:connector/log@0.1.0';

const PEOPLE = 6;

const READ = {
  user: {
    mappings: [
      { sourcePath: '$', targetPath: '$' },
      { sourcePath: '$.userName', targetVariable: 'entityIdSourceSystem' },
    ],
  },
};

export const descriptor = {
  describe: () => ({
    id: 'javascript',
    version: '1.0.0',
    summary: 'Six people, written in JavaScript.',
    roles: ['source'],
    entityTypes: [{ name: 'user', uniqueAttributes: ['userName'], abilities: { readAll: true } }],
    properties: [
      {
        name: 'javascript.domain',
        kind: { tag: 'text' },
        required: true,
        credential: false,
        help: 'The domain of their mail addresses.',
        roles: [],
      },
    ],
    capabilities: [],
    defaultReadTransformation: JSON.stringify(READ),
  }),
};

let domain = '';

export const source = {
  open({ properties }) {
    domain = properties.find(({ name }) => name === 'javascript.domain').value;
    if (!domain.includes('.')) {
      throw { kind: { tag: 'invalid-settings' }, message: 'javascript.domain has no dot' };
    }
  },

  probe: () => 'six people',

  readPage({ scope, cursor, limit }) {
    if (scope.tag !== 'all') {
      throw { kind: { tag: 'unsupported' }, message: 'only everything can be read' };
    }
    write('info', `a page from ${cursor ?? 'the start'}`);
    const first = Number(cursor ?? 0);
    const last = Math.min(first + limit, PEOPLE);
    return {
      entities: Array.from({ length: last - first }, (_, at) => person(first + at)),
      unreadable: [],
      deleted: [],
      next: last < PEOPLE ? String(last) : undefined,
      total: BigInt(PEOPLE),
    };
  },
};

function person(number) {
  const userName = `J${number}`;
  const document = { userName, name: { familyName: 'Čapek' }, emails: [{ value: `${userName}@${domain}` }] };
  return { id: userName, document: JSON.stringify(document) };
}
