using System.Globalization;
using System.Text.Json;

namespace Kashif.Messaging.DeadLetters;

/// <summary>The operator's commands <c>dead-letters list|replay</c>.</summary>
internal static class DeadLetterCommands
{
    public const string Type = "--type";
    public const string Exception = "--exception";
    public const string Id = "--id";
    public const string Data = "--data";

    /// <summary>Writes one line a letter: when, type, event id, reason. Not the data, which may hold secrets.</summary>
    public static async Task ListAsync(DeadLetterQueue queue, IReadOnlyDictionary<string, string> options, TextWriter output, CancellationToken cancellationToken)
    {
        if (await HasNoneAsync(queue, output))
        {
            return;
        }

        var letters = await queue.ListAsync(FilterOf(options), cancellationToken);
        foreach (var letter in letters)
        {
            await output.WriteLineAsync($"{letter.FailedAt:O}  {letter.Type}  {letter.Event?.Id ?? letter.Id}  {letter.Reason}");
        }

        await output.WriteLineAsync(Invariant($"{letters.Count} dead letters"));
    }

    public static async Task ReplayAsync(DeadLetterQueue queue, IReadOnlyDictionary<string, string> options, TextWriter output, CancellationToken cancellationToken)
    {
        if (await HasNoneAsync(queue, output))
        {
            return;
        }

        if (options.ContainsKey(Data) && !options.ContainsKey(Id))
        {
            throw new CommandException($"{Data} edits one dead letter: name it with {Id}.");
        }

        var (replayed, remaining) = await queue.ReplayAsync(FilterOf(options), ChangesOf(options), actorId: null, cancellationToken);
        await output.WriteLineAsync(replayed == 0 && options.TryGetValue(Id, out var id)
            ? $"No dead letter has the id {id}."
            : Invariant($"{replayed} dead letters put back, {remaining} remain"));
    }

    private static async Task<bool> HasNoneAsync(DeadLetterQueue queue, TextWriter output)
    {
        if (!queue.Consumes)
        {
            await output.WriteLineAsync("The service consumes no events, so it has no dead letters.");
        }

        return !queue.Consumes;
    }

    private static DeadLetterFilter FilterOf(IReadOnlyDictionary<string, string> options) => new(
        options.GetValueOrDefault(Type),
        options.GetValueOrDefault(Exception),
        options.TryGetValue(Id, out var id)
            ? Guid.TryParse(id, CultureInfo.InvariantCulture, out var parsed) ? parsed : throw new CommandException($"{Id} '{id}' is not an id. 'dead-letters list' shows the ids.")
            : null);

    private static JsonElement? ChangesOf(IReadOnlyDictionary<string, string> options)
    {
        try
        {
            return options.TryGetValue(Data, out var data) ? JsonSerializer.Deserialize<JsonElement>(data) : null;
        }
        catch (JsonException exception)
        {
            throw new CommandException($"{Data} is not valid JSON: {exception.Message}");
        }
    }

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
