using CsvHelper;
using Kashif.Coupons.Catalog;
using Kashif.Localization;

namespace Kashif.Coupons.Codes;

/// <summary>Reads a CSV file with one code a line. A first line <c>code</c> is a header.</summary>
internal static class CodeFile
{
    public const int MaxCodes = 100_000;
    private const int MaxErrors = 20;
    private static readonly CsvReaderOptions Format = new() { Separator = ',', HasHeader = false, TrackLineNumbers = true };

    /// <summary>The codes with their lines.</summary>
    /// <param name="errors">One for each invalid line, up to a limit.</param>
    public static Dictionary<string, int> Read(ReadOnlyMemory<byte> file, out List<string> errors)
    {
        using var csv = CsvReader.Create(file, Format);
        var codes = new Dictionary<string, int>();
        errors = [];
        try
        {
            while (errors.Count < MaxErrors && codes.Count <= MaxCodes && csv.Read())
            {
                var (line, code) = ((int)csv.LineNumber, csv.FieldCount == 1 ? csv.GetString(0).Trim() : "");
                if (line == 1 && code.Equals("code", StringComparison.OrdinalIgnoreCase))
                {
                    continue;
                }

                if (!CodeFormat.Allows(code))
                {
                    errors.Add(Localized.Format($"Line {line}: not a code. A code has 4 to {CodeFormat.MaxLength} letters, digits, dots, slashes, hyphens or underscores."));
                }
                else if (!codes.TryAdd(code, line))
                {
                    errors.Add(Localized.Format($"Line {line}: the same code as in line {codes[code]}."));
                }
            }
        }
        catch (CsvFormatException)
        {
            errors.Add(Localized.Format($"Line {csv.LineNumber}: not a line of a CSV file."));
        }

        if (codes.Count > MaxCodes)
        {
            errors = [Localized.Format($"At most {MaxCodes} codes.")];
        }
        else if (codes.Count == 0 && errors.Count == 0)
        {
            errors.Add("The file has no codes.");
        }

        return codes;
    }
}
