using System.Text.Json;
using Kashif.Reporting.Data;
using Kashif.Validation;

namespace Kashif.Reporting.Reports;

/// <summary>The answers of a report that a reader may see.</summary>
/// <param name="Values">By the codes of the questions; null for none.</param>
/// <param name="ArePersonal">Some are not for the public: no shared cache may keep the response.</param>
internal readonly record struct VisibleAnswers(IReadOnlyDictionary<string, JsonElement>? Values, bool ArePersonal);

/// <summary>The answers to the questions of a report's category.</summary>
internal interface IReportAnswers
{
    /// <summary>Checks the answers of a new report.</summary>
    /// <param name="sent">By the codes of the questions; null for none.</param>
    /// <param name="errors">Gets an error at <c>answers.&lt;code&gt;</c> for each wrong and each missing answer.</param>
    /// <returns>The answers as they are stored.</returns>
    ValueTask<IReadOnlyDictionary<string, JsonElement>> CheckAsync(
        string category, IReadOnlyDictionary<string, JsonElement>? sent, FieldErrors errors, CancellationToken cancellationToken);

    /// <summary>Stores the answers of a new report, after it was inserted in the same transaction. Without answers it does nothing.</summary>
    /// <param name="answers">Checked.</param>
    Task AddAsync(ReportingDbContext database, Report report, IReadOnlyDictionary<string, JsonElement> answers, CancellationToken cancellationToken);

    ValueTask<VisibleAnswers> ReadAsync(ReportingDbContext database, Report report, View view, CancellationToken cancellationToken);
}
