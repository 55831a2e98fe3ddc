using Kashif.Reporting.Reports;

namespace Kashif.Reporting.Lists;

/// <summary>
/// Finds the newest reports of an area: a merge of the cells that touch it, each of which has its reports in the order of their ids.
/// <code>
/// 1. A queue has the cells, the one with the newest report first.
/// 2. Take its newest report, if it is in the area and matches, and look at its next one.
/// 3. If most of what a cell had was outside of the area, replace it by its smaller cells that touch the area.
/// </code>
/// Step 3 keeps a crowd just outside of the border from being read: the smallest cells are 8 m wide.
/// </summary>
internal sealed class NewestSearch(ReportIndex index, PublicReportFilter filter, Areas areas)
{
    /// <summary>How many reports of a cell must be outside of the area before dividing it pays.</summary>
    private const int Crowd = 8;

    private readonly PriorityQueue<Walk, Guid> _queue = new(NewestFirst);

    /// <param name="first">Only reports with a greater id.</param>
    /// <param name="before">Only reports with a smaller id.</param>
    /// <param name="patience">How many reports to look at.</param>
    /// <returns>And the last one that was looked at, if older ones may match: a selective filter is better read by its index.</returns>
    public (List<FoundReport> Found, Guid? Last) Find(Guid first, Guid before, int count, int patience)
    {
        foreach (var root in index.Roots)
        {
            Enqueue(root, before);
        }

        var found = new List<FoundReport>(count);
        while (_queue.TryDequeue(out var walk, out var id) && id.CompareTo(first) > 0)
        {
            ref readonly var report = ref index[walk.Node.Reports[walk.Next]];
            var isInside = walk.IsInside || areas.Contains(report.Place);
            if (isInside && filter.Matches(report))
            {
                found.Add(new FoundReport(id, report.Changes));
                if (found.Count == count)
                {
                    break;
                }
            }

            if (--patience == 0)
            {
                return (found, id);
            }

            walk.Taken++;
            walk.Outside += isInside ? 0 : 1;
            walk.Next--;
            if (walk.Outside >= Crowd && walk.Outside * 4 >= walk.Taken * 3 && walk.Node.Children is { } children)
            {
                foreach (var child in children)
                {
                    Enqueue(child, id);
                }
            }
            else
            {
                Enqueue(walk);
            }
        }

        return (found, null);
    }

    private void Enqueue(CellNode node, Guid before)
    {
        var overlap = areas.OverlapOf(node.Cell);
        if (overlap is not Overlap.None)
        {
            Enqueue(new Walk(node, overlap is Overlap.All) { Next = index.CountBefore(node.Reports, before) - 1 });
        }
    }

    private void Enqueue(Walk walk)
    {
        if (walk.Next >= 0)
        {
            _queue.Enqueue(walk, index[walk.Node.Reports[walk.Next]].Id);
        }
    }

    private static readonly Comparer<Guid> NewestFirst = Comparer<Guid>.Create((one, other) => other.CompareTo(one));

    /// <summary>How far the search has come in a cell.</summary>
    private sealed class Walk(CellNode node, bool isInside)
    {
        public CellNode Node => node;

        /// <summary>Whether all of the cell is in the area.</summary>
        public bool IsInside => isInside;

        /// <summary>The index of its next report.</summary>
        public int Next { get; set; }

        public int Taken { get; set; }

        /// <summary>How many of those taken were outside of the area.</summary>
        public int Outside { get; set; }
    }
}
