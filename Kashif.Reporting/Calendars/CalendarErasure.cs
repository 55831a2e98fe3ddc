using Kashif.Reporting.Data;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Calendars;

internal static class CalendarErasure
{
    public static Task EraseAsync(ReportingDbContext database, Guid userId, CancellationToken cancellationToken) =>
        database.CalendarFeeds.Where(feed => feed.UserId == userId).ExecuteDeleteAsync(cancellationToken);
}

/// <param name="Crew">Whether it has the visits of a crew.</param>
internal sealed record ExportedCalendar(Guid Id, bool Crew, DateTimeOffset CreatedAt)
{
    public static IAsyncEnumerable<ExportedCalendar> Of(ReportingDbContext database, Guid userId) =>
        database.CalendarFeeds.AsNoTracking().Where(feed => feed.UserId == userId).OrderBy(feed => feed.Id).AsAsyncEnumerable()
            .Select(feed => new ExportedCalendar(feed.Id, feed.CrewId is not null, feed.CreatedAt));
}
