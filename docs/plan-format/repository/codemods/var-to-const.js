module.exports = function transform(file, api, options) {
  const j = api.jscodeshift;
  return j(file.source)
    .find(j.VariableDeclaration, { kind: 'var' })
    .forEach((path) => {
      path.node.kind = options.kind;
    })
    .toSource();
};
