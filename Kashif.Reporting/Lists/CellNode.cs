using Kashif.Reporting.Reports;

namespace Kashif.Reporting.Lists;

/// <summary>A cell with reports. One that has many also has them in its smaller cells.</summary>
internal sealed class CellNode(Cell cell)
{
    /// <summary>How many reports a cell has before it is divided: few enough to look at each.</summary>
    private const int Most = 256;

    private const int Side = 8;

    public Cell Cell => cell;

    /// <summary>The positions of its reports in a <see cref="ReportIndex"/>, in the order of their ids.</summary>
    public List<int> Reports { get; } = [];

    /// <summary>The smaller cells that have reports; null if it is not divided.</summary>
    public IEnumerable<CellNode>? Children => _children?.OfType<CellNode>();

    private CellNode?[]? _children;

    public void Add(ReportIndex index, int position)
    {
        index.Insert(Reports, position);
        if (_children is not null)
        {
            AddToChild(index, position);
        }
        else if (Reports.Count > Most && cell.Grid.Finer is not null)
        {
            _children = new CellNode?[Side * Side];
            foreach (var own in Reports)
            {
                AddToChild(index, own);
            }
        }
    }

    public void Remove(ReportIndex index, int position)
    {
        Reports.RemoveAt(index.Find(Reports, index[position].Id));
        if (_children is not null)
        {
            ref var child = ref ChildOf(index[position]);
            child?.Remove(index, position);
            child = child is { Reports.Count: 0 } ? null : child;
        }
    }

    /// <summary>Gives back the memory that lists have reserved to grow.</summary>
    public void Trim()
    {
        Reports.TrimExcess();
        foreach (var child in Children ?? [])
        {
            child.Trim();
        }
    }

    private void AddToChild(ReportIndex index, int position)
    {
        ref readonly var report = ref index[position];
        ref var child = ref ChildOf(report);
        (child ??= new CellNode(CellOf(report))).Add(index, position);
    }

    private ref CellNode? ChildOf(in PublicReport report)
    {
        var child = CellOf(report);
        return ref (_children ?? throw new InvalidOperationException("Not divided."))[((child.Row - (cell.Row * Side)) * Side) + child.Column - (cell.Column * Side)];
    }

    private Cell CellOf(in PublicReport report) => (cell.Grid.Finer ?? throw new InvalidOperationException("The smallest cell.")).CellOf(report.Latitude, report.Longitude);
}
