using Kashif.Reporting.Reports;

namespace Kashif.Reporting.Lists;

/// <summary>
/// Finds the nearest reports of a point by a best-first search of the cells.
/// <code>
/// 1. A queue has cells by the least distance that a report in them can have, and reports by their distance.
/// 2. If a report is first, it is the next of the answer.
/// 3. If a cell is first, replace it by its smaller cells, or by its reports if it has few.
/// </code>
/// A page begins where the former one ended: cells that are nearer as a whole are skipped.
/// </summary>
internal sealed class NearestSearch(ReportIndex index, PublicReportFilter filter, Place centre, Areas? areas)
{
    private readonly PriorityQueue<(CellNode? Cell, int Report), (double Metres, bool IsReport, Guid Id)> _queue = new();

    /// <param name="after">The last distance and id of the previous page.</param>
    /// <param name="patience">How many reports may not match before the page ends.</param>
    /// <returns>Up to <paramref name="count"/> reports, nearest first; among equal distances, by id.</returns>
    public List<FoundReport> Find((double Metres, Guid Id) after, int count, int patience)
    {
        foreach (var root in index.Roots)
        {
            Enqueue(root, after.Metres);
        }

        var found = new List<FoundReport>(count);
        while (found.Count < count && _queue.TryDequeue(out var next, out var key))
        {
            if (next.Cell is not { } cell)
            {
                found.Add(new FoundReport(key.Id, index[next.Report].Changes));
            }
            else if (cell.Children is { } children)
            {
                foreach (var child in children)
                {
                    Enqueue(child, after.Metres);
                }
            }
            else if (patience > 0)
            {
                patience -= EnqueueReports(cell, after, count);
            }
        }

        return found;
    }

    private void Enqueue(CellNode node, double beyond)
    {
        var (least, most) = node.Cell.DistanceFrom(centre);
        if (most >= beyond && (areas is null || areas.OverlapOf(node.Cell) is not Overlap.None))
        {
            _queue.Enqueue((node, 0), (least, false, Guid.Empty));
        }
    }

    /// <returns>How many reports do not match.</returns>
    private int EnqueueReports(CellNode node, (double Metres, Guid Id) after, int count)
    {
        var others = 0;
        var matching = new List<(double Metres, Guid Id, int Position)>();
        foreach (var position in node.Reports)
        {
            ref readonly var report = ref index[position];
            if (!filter.Matches(report))
            {
                others++;
            }
            else if ((areas is null || areas.Contains(report.Place)) && (centre.MetresTo(report.Place), report.Id) is var key && key.CompareTo(after) > 0)
            {
                matching.Add((key.Item1, key.Id, position));
            }
        }

        // Only one of the smallest cells can have many.
        foreach (var (metres, id, position) in matching.Count > count ? matching.Order().Take(count) : matching)
        {
            _queue.Enqueue((null, position), (metres, true, id));
        }

        return others;
    }
}
