namespace Kashif.Reporting.Reports;

/// <summary>
/// Search for words in reports. Letters that people type for each other are folded in the reports and in the query alike: case, accents, the Arabic short
/// vowels and tatweel, and the forms of alef, yeh and teh marbuta. Words are not stemmed, because a text may be in either language.
/// </summary>
internal static class ReportWords
{
    /// <summary>
    /// Creates the column <c>words</c> with its index and functions. EF's model does not have it, because EF would read it with every report. The functions name
    /// nothing that a restored dump has to create first.
    /// </summary>
    /// <remarks>
    /// NFKD takes letters and their marks apart (é, أ, ؤ) and replaces the shapes of Arabic letters that some keyboards and PDF files have. The classes are
    /// the combining marks, the Arabic marks, the superscript alef and tatweel.
    /// </remarks>
    public const string Create = """
        CREATE FUNCTION report_fold(value text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
        RETURN translate(lower(regexp_replace(normalize(value, NFKD), '[\u0300-\u036f\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0640]', '', 'g')), 'ٱىیةکøłđı', 'اييهكoldi');

        CREATE FUNCTION report_words(title text, description text, address text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
        RETURN to_tsvector('pg_catalog.simple', report_fold(title || ' ' || description || ' ' || coalesce(address, '')));

        ALTER TABLE reports ADD COLUMN words tsvector NOT NULL GENERATED ALWAYS AS (report_words(title, description, address)) STORED;

        CREATE INDEX ix_reports_words ON reports USING gin (words);
        """;

    public const string Drop = """
        ALTER TABLE reports DROP COLUMN words;
        DROP FUNCTION report_words(text, text, text);
        DROP FUNCTION report_fold(text);
        """;

    /// <param name="text">A parameter.</param>
    /// <returns>All words must occur; quotes make a phrase, a minus sign excludes a word.</returns>
    public static string Query(string text) => $"websearch_to_tsquery('pg_catalog.simple', report_fold({text}))";
}
