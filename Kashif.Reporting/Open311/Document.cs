using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using System.Xml;

namespace Kashif.Reporting.Open311;

internal enum Format
{
    Xml,
    Json,
}

/// <summary>Named values: elements in XML, an object in JSON. A value is a text, a number, a boolean, a time, <see cref="Fields"/>, <see cref="Items"/> or null.</summary>
internal sealed record Fields(params IReadOnlyList<(string Name, object? Value)> Values);

/// <summary>A list: a container whose elements have the name <paramref name="Item"/> in XML, an array in JSON.</summary>
internal sealed record Items(string Item, IReadOnlyList<object?> Values);

/// <summary>
/// Writes one document in both formats. JSON is the Spark mapping: the root element goes, and containers become arrays.
/// <code>
/// &lt;services&gt;&lt;service&gt;&lt;service_code&gt;pothole&lt;/service_code&gt;…     [{"service_code": "pothole", …
/// </code>
/// </summary>
internal static class Document
{
    private static readonly JsonWriterOptions Json = new() { Encoder = JavaScriptEncoder.Create(UnicodeRanges.All) };

    /// <summary>A carriage return is written as an entity, because a parser would read it as a line feed.</summary>
    private static readonly XmlWriterSettings Xml = new() { Encoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), NewLineHandling = NewLineHandling.Entitize };

    public static string ContentType(this Format format) => format is Format.Json ? "application/json; charset=utf-8" : "text/xml; charset=utf-8";

    public static byte[] Write(Format format, string root, object? value)
    {
        using var body = new MemoryStream();
        if (format is Format.Json)
        {
            using var json = new Utf8JsonWriter(body, Json);
            Write(json, value);
        }
        else
        {
            using var xml = XmlWriter.Create(body, Xml);
            Write(xml, root, value);
        }

        return body.ToArray();
    }

    /// <summary>Without fractions of seconds, which some clients refuse.</summary>
    private static string Text(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static void Write(Utf8JsonWriter json, object? value)
    {
        switch (value)
        {
            case Fields fields:
                json.WriteStartObject();
                foreach (var (name, field) in fields.Values)
                {
                    json.WritePropertyName(name);
                    Write(json, field);
                }

                json.WriteEndObject();
                break;
            case Items items:
                json.WriteStartArray();
                foreach (var item in items.Values)
                {
                    Write(json, item);
                }

                json.WriteEndArray();
                break;
            case bool flag:
                json.WriteBooleanValue(flag);
                break;
            case int number:
                json.WriteNumberValue(number);
                break;
            case double number:
                json.WriteNumberValue(number);
                break;
            case DateTimeOffset time:
                json.WriteStringValue(Text(time));
                break;
            case null:
                json.WriteNullValue();
                break;
            default:
                json.WriteStringValue((string)value);
                break;
        }
    }

    private static void Write(XmlWriter xml, string name, object? value)
    {
        xml.WriteStartElement(name);
        switch (value)
        {
            case Fields fields:
                foreach (var (field, inner) in fields.Values)
                {
                    Write(xml, field, inner);
                }

                break;
            case Items items:
                foreach (var item in items.Values)
                {
                    Write(xml, items.Item, item);
                }

                break;
            case bool flag:
                xml.WriteString(flag ? "true" : "false");
                break;
            case int number:
                xml.WriteString(number.ToString(CultureInfo.InvariantCulture));
                break;
            case double number:
                xml.WriteString(number.ToString("R", CultureInfo.InvariantCulture));
                break;
            case DateTimeOffset time:
                xml.WriteString(Text(time));
                break;
            case string text:
                xml.WriteString(Clean(text));
                break;
        }

        xml.WriteEndElement();
    }

    /// <summary>Replaces characters that XML 1.0 cannot hold even as entities, such as most control characters.</summary>
    private static string Clean(string text)
    {
        if (text.All(XmlConvert.IsXmlChar))
        {
            return text;
        }

        var clean = new StringBuilder(text.Length);
        for (var index = 0; index < text.Length; index++)
        {
            if (index + 1 < text.Length && XmlConvert.IsXmlSurrogatePair(text[index + 1], text[index]))
            {
                clean.Append(text[index]).Append(text[++index]);
            }
            else
            {
                clean.Append(XmlConvert.IsXmlChar(text[index]) ? text[index] : '\uFFFD');
            }
        }

        return clean.ToString();
    }
}
