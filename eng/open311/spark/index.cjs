// Used by open311 instead of sparkxml, which is in no registry, and xml2json, whose old native parser does not build any more.
// The parser is strict: a document that is not well-formed is an error.
const { SaxesParser } = require("saxes");

function parse(xml) {
  const document = { name: "", text: "", children: [] };
  const open = [document];
  const parser = new SaxesParser();
  parser.on("error", (error) => {
    throw error;
  });
  parser.on("opentag", ({ name }) => {
    const element = { name, text: "", children: [] };
    open.at(-1).children.push(element);
    open.push(element);
  });
  parser.on("text", (text) => (open.at(-1).text += text));
  parser.on("closetag", () => open.pop());
  parser.write(xml).close();
  return document;
}

/** The Spark convention: elements of one name are an array, also a single one; an empty element is null; texts become numbers and booleans. */
function spark({ text, children }) {
  if (children.length === 0) {
    return text === "" ? null : valueOf(text);
  }

  return children.every(({ name }) => name === children[0].name) ? children.map(spark) : Object.fromEntries(children.map((child) => [child.name, spark(child)]));
}

function valueOf(text) {
  return text.trim() !== "" && !Number.isNaN(Number(text)) ? Number(text) : { true: true, false: false }[text.toLowerCase()] ?? text;
}

/** An object by the names of the elements, with texts only; repeated ones are an array, and an empty element is an empty object. */
function plain({ text, children }) {
  if (children.length === 0) {
    return text.trim() || {};
  }

  const fields = {};
  for (const child of children) {
    fields[child.name] = child.name in fields ? [fields[child.name], plain(child)].flat() : plain(child);
  }
  return fields;
}

exports.parseXml = (xml) => spark(parse(xml).children[0]);
exports.toJson = (xml) => plain(parse(xml));
