'use strict';

// A transform in the manner of jscodeshift: `require` to `import`, `module.exports` to `export`.
module.exports = function toEsm(file, { jscodeshift: j }) {
  const root = j(file.source);

  root
    .find(j.ExpressionStatement, { directive: undefined, expression: { type: 'StringLiteral', value: 'use strict' } })
    .remove();
  root.get().node.program.directives = [];

  root.find(j.VariableDeclaration).forEach((path) => {
    const [declared] = path.node.declarations;
    const call = declared.init;
    if (call?.type !== 'CallExpression' || call.callee.name !== 'require') return;
    const from = j.stringLiteral(call.arguments[0].value);
    const specifiers =
      declared.id.type === 'Identifier'
        ? [j.importDefaultSpecifier(declared.id)]
        : declared.id.properties.map(({ key, value }) => j.importSpecifier(key, value));
    j(path).replaceWith(j.importDeclaration(specifiers, from));
  });

  root
    .find(j.ExpressionStatement, {
      expression: { type: 'AssignmentExpression', left: { object: { name: 'module' }, property: { name: 'exports' } } },
    })
    .forEach((path) => {
      const { right } = path.node.expression;
      const exported =
        right.type === 'ObjectExpression'
          ? j.exportNamedDeclaration(
              null,
              right.properties.map(({ key, value }) => j.exportSpecifier.from({ local: value, exported: key })),
            )
          : j.exportDefaultDeclaration(right);
      j(path).replaceWith(exported);
    });

  return root.toSource({ quote: 'single' });
};
